// SPDX-License-Identifier: MIT
// Requests that are wrong, clients that leave or do not end, and a disk that is full, at one server with others at work on it:
// each gets one error of the right kind and a receipt that holds, and what is right goes on.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import * as aci from './aci.mjs';
import { check, model as gguf, pml, pmlProgram, Server, sha256, temporaryDirectory } from './lib.mjs';

const secret = 'PLUM-4711';
const messages = [{ role: 'user', content: 'Tell me a story.' }];
const server = await Server.start();
const report = JSON.parse((await server.get('/v1/aci/attestation')).body);
const model = JSON.parse((await server.get('/v1/models')).body).data[0].id;

async function receiptOf(id, from = server) {
    const answer = await from.get(`/v1/aci/receipts/${id}`);
    assert.equal(answer.status, 200, answer.body.toString());
    return JSON.parse(answer.body);
}

// A stream that is at work meanwhile has to come to its end, with a receipt over its bytes.
async function whileStreaming(what) {
    const stream = server.chat({ model, messages, stream: true, max_tokens: 150, seed: 3 });
    await what();
    const answer = await stream;
    assert.equal(answer.status, 200);
    assert.ok(answer.body.toString().endsWith('data: [DONE]\n\n'));
    aci.checkReceipt(await receiptOf(answer.headers['x-receipt-id']), report, { ...answer, model });
}

// --- requests ---

const user = '"messages":[{"role":"user","content":"' + secret + '"}]';
const long = JSON.stringify({ messages: [{ role: 'user', content: `${secret} `.repeat(5000) }] });
const refused = [
    // [body, status, code, param]
    ['', 400, null, null],
    ['plums, and no JSON', 400, null, null],
    [`{${user}`, 400, null, null],
    [`{${user},"temperature":NaN}`, 400, null, null],
    [`{${user},"seed":1,"seed":2}`, 400, null, null],
    [Buffer.from(`{${user},"user":"\xff"}`, 'latin1'), 400, null, null],
    ['['.repeat(100000), 400, null, null],
    ['[]', 400, null, null],
    ['{}', 400, null, 'messages'],
    [`{${user},"model":"${secret}"}`, 404, 'model_not_found', 'model'],
    [`{${user},"model":7}`, 400, null, 'model'],
    [`{${user},"temperature":2.5}`, 400, null, 'temperature'],
    [`{${user},"temperature":-1}`, 400, null, 'temperature'],
    [`{${user},"temperature":1e999}`, 400, null, null],
    [`{${user},"temperature":"${secret}"}`, 400, null, 'temperature'],
    [`{${user},"top_p":1.5}`, 400, null, 'top_p'],
    [`{${user},"max_tokens":0}`, 400, null, 'max_tokens'],
    [`{${user},"max_completion_tokens":-5}`, 400, null, 'max_completion_tokens'],
    [`{${user},"seed":18446744073709551616}`, 400, null, 'seed'],
    [`{${user},"seed":0.5}`, 400, null, 'seed'],
    [`{${user},"stop":["${secret}",1]}`, 400, null, 'stop'],
    [`{${user},"stream_options":{}}`, 400, null, 'stream_options'],
    [`{${user},"n":3}`, 400, 'unsupported_parameter', 'n'],
    [`{${user},"tools":[{"type":"function","function":{"name":"f"}}]}`, 400, 'unsupported_parameter', 'tools'],
    [long, 400, 'context_length_exceeded', 'messages'],
];

await check('what is no right request gets its error, and a receipt for it', () => whileStreaming(async () => {
    for (const [body, status, code, param] of refused) {
        const what = body.toString('latin1').slice(0, 80);
        const answer = await server.chat(body);
        const { error } = JSON.parse(answer.body);
        assert.equal(answer.status, status, what);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.deepEqual([error.type, error.code, error.param], ['invalid_request_error', code, param], what);
        assert.ok(!answer.body.includes(secret), `${what}: quoted`);
        const asked = /"model":"([^"]*)"/.exec(what)?.[1] ?? null;
        aci.checkReceipt(await receiptOf(answer.headers['x-receipt-id']), report, { ...answer, model: asked });
    }
}));

await check('the error for a long prompt says how long it may be', async () => {
    const { error } = JSON.parse((await server.chat(long)).body);
    assert.match(error.message, /^This model's maximum context length is \d+ tokens\. However, you requested \d+ tokens/);
});

await check('the same errors come before a stream begins', async () => {
    const answer = await server.chat(long.replace('{', '{"stream":true,'));
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(answer.body).error.code, 'context_length_exceeded');
});

// --- clients ---

await check('a body without end is answered and given up', () => whileStreaming(() => new Promise((resolve, reject) => {
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, 0x20), Buffer.from('\r\n')]);
    let heard = '';
    const socket = tls.connect({ host: server.url.hostname, port: server.url.port, ca: server.ca }, () => {
        socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
        const more = () => { while (!socket.destroyed && socket.write(chunk)); };
        socket.on('drain', more);
        more();
    });
    socket.on('data', (bytes) => { heard += bytes; });
    socket.on('error', () => {}); // what is still being sent when the server has closed
    socket.on('close', () => (/^HTTP\/1\.1 413 /.test(heard) ? resolve() : reject(new Error(`heard: ${heard}`))));
})));

await check('what is no TLS is given up', () => whileStreaming(() => new Promise((resolve) => {
    const socket = net.connect(server.url.port, server.url.hostname, () => socket.write(`GET /${secret} HTTP/1.1\r\nHost: x\r\n\r\n`));
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.resume();
})));

// What a stream was when its client had heard COUNT events and left; the receipt's id and the request.
function leave(body, count) {
    const bytes = Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
        let heard = '';
        const socket = tls.connect({ host: server.url.hostname, port: server.url.port, ca: server.ca }, () =>
            socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`));
        socket.on('data', (piece) => {
            heard += piece;
            if (heard.split('data: ').length <= count)
                return;
            socket.destroy();
            const [, created] = /"created":(\d+)/.exec(heard);
            resolve({ sent: bytes, receiptId: /x-receipt-id: (\S+)/i.exec(heard)[1], id: /"id":"([^"]+)"/.exec(heard)[1], created });
        });
        socket.on('error', reject);
    });
}

async function eventually(receiptId) {
    for (let tries = 0; tries < 3000; tries++) {
        const answer = await server.get(`/v1/aci/receipts/${receiptId}`);
        if (answer.status === 200)
            return JSON.parse(answer.body);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`there is no receipt ${receiptId}`);
}

const temporary = temporaryDirectory();
await check('a client that leaves in mid-stream leaves a receipt over what was written, which replays', async () => {
    // no end token, so that the answer is much longer than anybody listens
    const end = execFileSync(pmlProgram, ['tokenize', '-m', gguf, '--parse-special', '--ids'], { input: '<|im_end|>' }).toString().trim();
    const body = { model, messages, stream: true, seed: 5, temperature: 0.8, max_tokens: 500, logit_bias: { [end]: -100 } };
    const whole = await server.chat(body);
    const wholeText = whole.body.toString();
    const { id, created } = JSON.parse(wholeText.slice(6, wholeText.indexOf('\n')));
    for (const count of [1, 4, 20]) {
        const left = await leave(body, count);
        const receipt = await eventually(left.receiptId);
        const hash = receipt.event_log.at(-1).body_hash;
        const events = wholeText.replaceAll(id, left.id).replaceAll(`"created":${created}`, `"created":${left.created}`).split(/(?<=\n\n)/);
        const written = events.findIndex((event, i) => 'sha256:' + sha256(Buffer.from(events.slice(0, i).join(''))) === hash);
        assert.ok(written >= count && written < events.length, `over ${written} of ${events.length} events`);
        const response = Buffer.from(events.slice(0, written).join(''));
        const log = aci.checkReceipt(receipt, report, { sent: left.sent, body: response, model });
        assert.ok(log['inference.executed'].output_tokens < 500, 'the generation did not stop');
        for (const [name, bytes] of [['request', left.sent], ['response', response], ['receipt', JSON.stringify(receipt)]])
            fs.writeFileSync(path.join(temporary, name), bytes);
        const replay = pml('replay', path.join(temporary, 'receipt'), '--request', path.join(temporary, 'request'), '--response',
            path.join(temporary, 'response'), '-m', gguf, '--json');
        assert.equal(replay.status, 0, replay.stdout + replay.stderr);
    }
});

await check('many that leave at once disturb nobody', () => whileStreaming(async () => {
    const left = await Promise.all(Array.from({ length: 20 }, (_, i) => leave({ model, messages, stream: true, seed: i }, 1 + i % 5)));
    for (const { receiptId } of left)
        assert.ok(aci.signatureIsGood(await eventually(receiptId), report.attestation.workload_keyset));
}));

await check('the log has nothing that was said', () => assert.ok(!server.log.includes(secret) && !/story/i.test(server.log), server.log));
await check('the server ends with 0', async () => assert.equal(await server.stop(), 0, server.log));

// --- a full disk ---

const prlimit = (pid, limit) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${limit}:unlimited`]);
const mounted = path.join(temporary, 'mounted');
fs.mkdirSync(mounted);
const disks = [['files that may not grow', path.join(temporary, 'limited'), (pid) => prlimit(pid, 0), (pid) => prlimit(pid, 'unlimited')]];
if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=700', 'none', mounted]).status === 0) {
    const ballast = path.join(mounted, 'ballast');
    disks.push(['a file system without room', path.join(mounted, 'state'),
        () => { spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096']); }, () => fs.rmSync(ballast)]);
}

for (const [what, state, fill, empty] of disks) {
    await check(`a full disk: ${what}`, async () => {
        const full = await Server.start({ state });
        const own = JSON.parse((await full.get('/v1/aci/attestation')).body);
        const ask = (extra) => full.chat({ model, messages, max_tokens: 3, ...extra });
        const kept = (await ask()).headers['x-receipt-id'];
        fill(full.child.pid);
        let answer;
        for (let i = 0; i < 2000 && answer?.status !== 500; i++) {
            answer = await ask();
            if (answer.status === 200) // there was room for it yet
                aci.checkReceipt(await receiptOf(answer.headers['x-receipt-id'], full), own, { ...answer, model });
        }
        assert.equal(answer.status, 500);
        assert.deepEqual(JSON.parse(answer.body).error,
            { message: 'the receipt could not be stored', type: 'server_error', code: null, param: null });
        assert.ok(!('x-receipt-id' in answer.headers));
        await assert.rejects(ask({ stream: true }), 'a stream that has no receipt has no end');
        for (const target of ['/health', '/v1/models', `/v1/aci/attestation?nonce=${'a'.repeat(64)}`, `/v1/aci/receipts/${kept}`])
            assert.equal((await full.get(target)).status, 200, target);
        empty(full.child.pid);
        for (const stream of [false, true]) {
            const again = await ask({ stream });
            assert.equal(again.status, 200, again.body.toString());
            aci.checkReceipt(await receiptOf(again.headers['x-receipt-id'], full), own, { ...again, model });
        }
        await receiptOf(kept, full);
        assert.equal(await full.stop(), 0, full.log);
        assert.match(full.log, /serve\.receipt/);
    });
}
if (disks.length > 1)
    execFileSync('umount', [mounted]);
fs.rmSync(temporary, { recursive: true });
