// SPDX-License-Identifier: MIT
// pml verify against the unmodified @phala/dcap-qvl over all public vectors: acceptance, status and advisories, by Intel's rules
// and by those of dcap-qvl. Where the two differ, differences.json says so and why; a difference that it does not list is a
// failure, and so is one that it lists and that is gone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import qvl from '@phala/dcap-qvl';
import { check, pml, root, vectors } from './lib.mjs';

const dir = path.join(vectors, 'dcap/public');
const known = JSON.parse(fs.readFileSync(path.join(root, 'tests/e2e/differences.json')));

const verdict = (ok, status, advisories) => (ok ? `${status} ${[...new Set(advisories)].sort().join(' ')}`.trim() : 'refused');

function theirs(entry) {
    const quote = fs.readFileSync(path.join(dir, entry.quote));
    const collateral = JSON.parse(fs.readFileSync(path.join(dir, entry.collateral)));
    const verifier = entry.root ? qvl.QuoteVerifier.newWithRootCa(fs.readFileSync(path.join(dir, entry.root))) : qvl.QuoteVerifier.newProd();
    try {
        const { status, advisory_ids } = verifier.verify(quote, collateral, entry.now);
        return { verdict: verdict(true, status, advisory_ids) };
    } catch (error) {
        return { verdict: 'refused', why: error.message };
    }
}

function ours(entry, ...options) {
    const { status, stdout, stderr } = pml('verify', path.join(dir, entry.quote), '--collateral', path.join(dir, entry.collateral),
        '--at', `@${entry.now}`, '--accept-status', 'any', '--json', ...(entry.root ? ['--root', path.join(dir, entry.root)] : []), ...options);
    assert.ok(status === 0 || status === 1, stderr);
    const said = JSON.parse(stdout);
    assert.equal(status === 0, said.ok, stdout);
    return { verdict: verdict(said.ok, said.status, said.advisory_ids), why: said.error?.code };
}

if (!fs.existsSync(dir)) {
    console.log('ok - test-differential: skipped, there are no vectors');
} else {
    const { cases } = JSON.parse(fs.readFileSync(path.join(dir, 'index.json')));
    for (const [rule, options] of [['intel', []], ['dcap-qvl', ['--compat', 'dcap-qvl']]]) {
        const found = [];
        for (const entry of cases) {
            const mine = ours(entry, ...options), other = theirs(entry);
            if (mine.verdict !== other.verdict)
                found.push({ case: entry.id, pml: mine.why ?? mine.verdict, 'dcap-qvl': other.why ?? other.verdict });
        }
        const listed = known.filter(({ rules }) => rules.includes(rule)).map(({ rules, why, ...rest }) => rest);
        await check(`${cases.length} vectors by the rules of ${rule}: ${listed.length} differences, all of them known`,
            () => assert.deepEqual(found, listed));
    }
    await check('each known difference is explained',
        () => assert.ok(known.every(({ why }) => typeof why === 'string' && why.length > 20)));
}
