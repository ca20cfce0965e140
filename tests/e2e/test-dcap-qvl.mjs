// SPDX-License-Identifier: MIT
// The unmodified package @phala/dcap-qvl on the simulator's quote: good with the simulated root and the report's collateral,
// refused with its own root, and after any change.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import qvl from '@phala/dcap-qvl';
import { Server, check } from './lib.mjs';

const server = await Server.start();
const nonce = crypto.randomBytes(32).toString('hex');
const { attestation } = JSON.parse((await server.get(`/v1/aci/attestation?nonce=${nonce}`)).body);
const quote = Buffer.from(attestation.evidence.quote, 'hex');
const collateral = attestation.evidence.pml.collateral;
const root = new crypto.X509Certificate(fs.readFileSync(path.join(server.state, 'sim/root.pem'))).raw;
const simulated = qvl.QuoteVerifier.newWithRootCa(root);
const now = Math.floor(Date.now() / 1000);

await check('accepts the quote with the simulated root', () => {
    const result = simulated.verify(quote, collateral, now);
    assert.equal(result.status, 'UpToDate');
    assert.deepEqual(result.advisory_ids, []);
});
await check('refuses the quote with Intel\'s root', () => {
    assert.throws(() => qvl.QuoteVerifier.newProd().verify(quote, collateral, now));
});
await check('refuses a quote of another TD', () => {
    const altered = Buffer.from(quote);
    altered[48 + 136] ^= 1;
    assert.throws(() => simulated.verify(altered, collateral, now));
});
await check('refuses altered collateral', () => {
    assert.throws(() => simulated.verify(quote, { ...collateral, tcb_info: collateral.tcb_info.replace('UpToDate', 'Revoked') }, now));
});
await check('refuses collateral that is out of date', () => {
    assert.throws(() => simulated.verify(quote, collateral, now + 40 * 86400));
});
await check('the simulated root says what it is', () => {
    const subject = new crypto.X509Certificate(root).subject;
    assert.ok(subject.includes('O=Private ML SDK SIMULATED (not Intel)'), subject);
});
await check('the server ends with 0', async () => assert.equal(await server.stop(), 0, server.log));
