// SPDX-License-Identifier: MIT
// A live server judged by the independent checker: its report, and receipts of buffered and streamed answers over exact bytes.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import * as aci from './aci.mjs';
import { Server, check, model, serveProgram, sha256 } from './lib.mjs';

const server = await Server.start();
const nonce = crypto.randomBytes(32).toString('hex');
const answer = await server.get(`/v1/aci/attestation?nonce=${nonce}`);
const report = JSON.parse(answer.body);
const { evidence, workload_keyset: keyset } = report.attestation;
const modelId = JSON.parse((await server.get('/v1/models')).body).data[0].id;

await check('the report is one of aci/1, and labelled as simulated', () => {
    assert.equal(answer.status, 200);
    assert.equal(report.api_version, 'aci/1');
    assert.equal(report.attestation.tee_type, 'tdx');
    assert.equal(report.service_capabilities.serving, 'direct');
    assert.equal(evidence.pml.platform, 'simulated');
    assert.equal(aci.parseQuote(evidence.quote).mrTd.toString(), 'SIMULATED TD - NOT CONFIDENTIAL - PML SDK sim v1');
});
await check('the keyset digest is that of the keyset', () => aci.checkKeyset(report));
await check('the quote is over the statement with our nonce', () => aci.checkStatement(report, nonce));
await check('the key of the TLS connection is in the keyset', () => aci.checkTlsKey(report, answer.spki, '127.0.0.1'));
await check('the event log replays to the registers of the quote', () => aci.checkEventLog(report));
await check('model and engine are measured, and are those on this disk', () => {
    aci.checkMeasured(report);
    assert.equal(evidence.pml.models[0].file_digest, 'sha256:' + sha256(fs.readFileSync(model)));
    assert.equal(evidence.pml.engine.build_digest, 'sha256:' + sha256(fs.readFileSync(serveProgram)));
});
await check('a report without nonce has the null form', async () => {
    const plain = JSON.parse((await server.get('/v1/aci/attestation')).body);
    aci.checkKeyset(plain);
    aci.checkStatement(plain, null);
    aci.checkMeasured(plain);
});
await check('two nonces give two quotes', async () => {
    const other = crypto.randomBytes(32).toString('hex');
    const second = JSON.parse((await server.get(`/v1/aci/attestation?nonce=${other}`)).body);
    aci.checkStatement(second, other);
    assert.throws(() => aci.checkStatement(second, nonce));
});

const question = (extra) => JSON.stringify({ model: modelId, messages: [{ role: 'user', content: 'What is a receipt?' }], seed: 7, ...extra });
const receiptOf = async (id) => JSON.parse((await server.get(`/v1/aci/receipts/${id}`)).body);

async function checkAnswer(response) {
    assert.equal(response.status, 200);
    const receipt = await receiptOf(response.headers['x-receipt-id']);
    const events = aci.checkReceipt(receipt, report, { ...response, model: modelId });
    const withoutType = ({ type, ...rest }) => rest;
    assert.deepEqual(withoutType(events['model.measured']), evidence.pml.models[0]);
    assert.deepEqual(withoutType(events['engine.measured']), evidence.pml.engine);
    assert.equal(events['request.forwarded'].body_hash, events['request.received'].body_hash);
    assert.equal(events['inference.executed'].seed, '7');
    assert.equal(response.headers['x-aci-keyset-digest'], report.workload_keyset_digest);
    return receipt;
}

await check('the receipt of a buffered answer holds', async () => {
    const response = await server.chat(question());
    const receipt = await checkAnswer(response);
    const message = JSON.parse(response.body);
    assert.equal(receipt.chat_id, message.id);
    assert.ok(message.choices[0].message.content.length > 0);
    assert.deepEqual(await receiptOf(message.id), receipt);
});

await check('the receipt of a streamed answer holds, and the stream is well-formed', async () => {
    const buffered = JSON.parse((await server.chat(question())).body);
    const response = await server.chat(question({ stream: true, stream_options: { include_usage: true } }));
    const receipt = await checkAnswer(response);
    assert.match(response.headers['content-type'], /^text\/event-stream/);
    const text = response.body.toString();
    assert.ok(!text.includes('\r') && text.endsWith('\n\ndata: [DONE]\n\n'));
    const events = text.split('\n\n').slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')));
    assert.ok(events.every((event) => event.id === receipt.chat_id && event.object === 'chat.completion.chunk'));
    assert.equal(events.flatMap((event) => event.choices).map((choice) => choice.delta.content ?? '').join(''),
        buffered.choices[0].message.content);
    assert.deepEqual(events.at(-1).usage, buffered.usage);
});

await check('a body with odd bytes is hashed as it came', async () => {
    const odd = '\n ' + question().replace('{', '{ "max_tokens" :  3,\t').replace('receipt?', 'r\\u00e9ceipt \u{1F600}?');
    await checkAnswer(await server.chat(Buffer.from(odd)));
});

await check('an altered receipt has no good signature', async () => {
    const receipt = await receiptOf((await server.chat(question({ max_tokens: 2 }))).headers['x-receipt-id']);
    assert.ok(aci.signatureIsGood(receipt, keyset));
    assert.ok(!aci.signatureIsGood({ ...receipt, served_at: receipt.served_at + 1 }, keyset));
    assert.ok(!aci.signatureIsGood({ ...receipt, event_log: receipt.event_log.slice(0, -1) }, keyset));
});

await check('a refused answer has a receipt too', async () => {
    const response = await server.chat(question({ provider: { aci_session_ids: ['0'.repeat(64)] } }));
    assert.equal(response.status, 412);
    const receipt = await receiptOf(response.headers['x-receipt-id']);
    const events = aci.checkReceipt(receipt, report, { ...response, model: modelId });
    assert.ok(!('request.forwarded' in events) && receipt.chat_id === null);
});

await check('the keyset of a receipt can be had by its digest', async () => {
    const digest = report.workload_keyset_digest.replace('sha256:', '');
    const kept = JSON.parse((await server.get(`/v1/pml/keysets/${digest}`)).body);
    assert.deepEqual(kept.attestation.workload_keyset, keyset);
    aci.checkStatement(kept, null);
    assert.equal((await server.get(`/v1/pml/keysets/${'0'.repeat(64)}`)).status, 404);
});

await check('the server ends with 0', async () => assert.equal(await server.stop(), 0, server.log));
