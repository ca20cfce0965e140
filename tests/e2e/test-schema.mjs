// SPDX-License-Identifier: MIT
// docs/verdict.schema.json holds of every verdict that pml verify --json prints, and of nothing else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { Server, check, pml, root, temporaryDirectory, vectors } from './lib.mjs';

const validate = new Ajv({ strict: true, strictTypes: false, allErrors: true })
    .compile(JSON.parse(fs.readFileSync(path.join(root, 'docs/verdict.schema.json'))));

function verdict(...args) {
    const ended = pml('verify', ...args, '--json');
    const said = JSON.parse(ended.stdout);
    assert.equal(ended.stdout.split('\n').length, 2, 'one line');
    assert.ok(validate(said), JSON.stringify({ args, said, errors: validate.errors }, null, 1));
    return said;
}

const dir = temporaryDirectory();
const state = path.join(dir, 'state'), quote = path.join(dir, 'quote'), bundle = path.join(dir, 'bundle');
const made = pml('quote', '--simulated', '--state', state, '--report-data', '01', '--out', quote, '--collateral-out', bundle);
assert.equal(made.status, 0, made.stderr);
const accepted = verdict(quote, '--collateral', bundle, '--trust-simulated', state);

await check('a verdict of each outcome', () => {
    assert.equal(accepted.accepted, true);
    assert.equal(verdict(quote, '--collateral', bundle, '--trust-simulated', state, '--report-data', '00'.repeat(64)).error.code, 'policy_report_data');
    assert.equal(verdict(quote, '--collateral', bundle).error.code, 'pck_chain_root');
    assert.equal(verdict(bundle, '--collateral', bundle).tee, null);
    assert.equal(verdict(path.join(dir, 'none'), '--collateral', bundle).error.code, 'io');
    assert.equal(verdict(quote, '--compat', 'none').error.code, 'usage');
    for (const body of ['sgx-v3', 'tdx-v4', 'td15-v5'])
        verdict(path.join(root, 'tests/fuzz/corpus/quote', body), '--collateral', bundle);
});

await check('what pml-verifier answers', async () => {
    const server = await Server.startVerifier(['--collateral', bundle, '--trust-simulated', state]);
    for (const bytes of [fs.readFileSync(quote).toString('hex'), '04', ''])
        assert.ok(validate(JSON.parse((await server.request('POST', '/v1/quote', { body: { quote: bytes } })).body)), JSON.stringify(validate.errors));
    assert.equal(await server.stop(), 0);
});

await check('every public vector, by both rules', () => {
    const index = path.join(vectors, 'dcap/public/index.json');
    const cases = fs.existsSync(index) ? JSON.parse(fs.readFileSync(index)).cases : [];
    for (const entry of cases) {
        const file = (name) => path.join(vectors, 'dcap/public', name);
        const args = [file(entry.quote), '--collateral', file(entry.collateral), '--at', `@${entry.now}`, ...(entry.root ? ['--root', file(entry.root)] : [])];
        verdict(...args);
        verdict(...args, '--accept-status', 'any', '--compat', 'dcap-qvl');
    }
    console.log(`# ${cases.length} vectors`);
});

await check('nothing else', () => {
    const refused = (change, what) => {
        const altered = structuredClone(accepted);
        change(altered);
        assert.ok(!validate(altered), what);
    };
    for (const member of Object.keys(accepted))
        refused((v) => delete v[member], `without ${member}`);
    for (const member of Object.keys(accepted.report))
        refused((v) => delete v.report[member], `without report.${member}`);
    refused((v) => { v.more = null; }, 'with another member');
    refused((v) => { v.ok = false; }, 'accepted and not ok');
    refused((v) => { v.error = { code: 'x', message: 'y' }; }, 'accepted with an error');
    refused((v) => { v.accepted = false; }, 'not accepted without a reason');
    refused((v) => { v.status = 'Revoked'; }, 'Revoked');
    refused((v) => { v.status = null; }, 'ok without a status');
    refused((v) => { v.report.mr_td = v.report.mr_td.toUpperCase() + '00'; }, 'hex of another length');
    refused((v) => { v.tee = 'sgx'; }, 'a TD report of an enclave');
    refused((v) => { v.verified_at = 1; }, 'a time that is a number');
});

fs.rmSync(dir, { recursive: true });
