// SPDX-License-Identifier: MIT
// The HTTP surface under clients that do not behave: whatever is answered carries the service's headers and, if it is an error,
// OpenAI's shape; the server goes on.
import assert from 'node:assert/strict';
import tls from 'node:tls';
import { Server, check } from './lib.mjs';

const server = await Server.start();
const digest = JSON.parse((await server.get('/')).body).workload_keyset_digest;

// Says PIECES over a TLS connection, one write each, and gives all that comes back. A reset is an error.
function exchange(...pieces) {
    return new Promise((resolve, reject) => {
        const heard = [];
        const socket = tls.connect({ host: server.url.hostname, port: server.url.port, ca: server.ca }, async () => {
            for (const piece of pieces)
                await new Promise((written) => socket.write(piece, written));
        });
        socket.on('data', (bytes) => heard.push(bytes));
        socket.on('end', () => resolve(Buffer.concat(heard).toString()));
        socket.on('error', reject);
    });
}

function checkHeaders(text, status) {
    const [head, body] = text.split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    const headers = Object.fromEntries(head.split('\r\n').slice(1).map((line) => line.split(': ')).map(([k, v]) => [k.toLowerCase(), v]));
    assert.equal(headers['x-aci-version'], 'aci/1');
    assert.equal(headers['x-aci-keyset-digest'], digest);
    assert.ok(headers['x-request-id']);
    assert.equal(headers['access-control-allow-origin'], '*');
    if (status >= 400) {
        assert.equal(headers['content-type'], 'application/json');
        const { error } = JSON.parse(body);
        assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
        assert.equal(typeof error.message, 'string');
        assert.equal(typeof error.type, 'string');
    }
    return headers;
}

const close = 'Host: x\r\nConnection: close\r\n';
const cases = [
    ['a path that does not exist', 404, [`GET /secret-path HTTP/1.1\r\n${close}\r\n`]],
    ['a method that is not served there', 405, [`DELETE /v1/models HTTP/1.1\r\n${close}\r\n`]],
    ['TRACE', 405, [`TRACE / HTTP/1.1\r\n${close}\r\n`]],
    ['a head that is no head', 400, ['hello\r\n\r\n']],
    ['bare line feeds', 400, ['GET / HTTP/1.1\nHost: x\n\n']],
    ['two lengths', 400, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`]],
    ['a length and chunks', 400, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`]],
    ['a broken chunk', 400, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n`, 'x\r\n']],
    ['an unknown transfer coding', 501, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Transfer-Encoding: gzip\r\n\r\n`]],
    ['an unknown expectation', 417, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Expect: magic\r\n\r\n`]],
    ['HTTP/2 without negotiation', 505, ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']],
    ['a head of 70 kB', 431, [`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(70000)}\r\n\r\n`]],
    ['a hundred and one header lines', 431, [`GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(100)}\r\n`]],
    ['a body announced too large', 413, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Content-Length: 99999999\r\n\r\n`]],
    ['a body that is not JSON', 400, [`POST /v1/chat/completions HTTP/1.1\r\n${close}Content-Length: 4\r\n\r\n`, '{"a"']],
    ['no body', 400, [`POST /v1/chat/completions HTTP/1.1\r\n${close}\r\n`]],
    ['a preflight', 20, [`OPTIONS /v1/chat/completions HTTP/1.1\r\n${close}Origin: https://a.example\r\n` +
        'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, x-any\r\n\r\n']],
];
for (const [what, status, pieces] of cases) {
    await check(what, async () => {
        const heard = await exchange(...pieces);
        checkHeaders(heard, status === 20 ? '20[04]' : status);
        assert.ok(!heard.includes('secret-path'));
    });
}

await check('a body that turns out too large is answered, not reset', async () => {
    const piece = Buffer.alloc(1 << 20, 0x20);
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
    checkHeaders(await exchange(`POST /v1/chat/completions HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n`,
        ...Array(34).fill(chunk)), 413);
});

await check('an upload that waits is told early', async () => {
    const heard = await exchange(`POST /v1/chat/completions HTTP/1.1\r\n${close}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`);
    checkHeaders(heard, 413);
});

await check('a request in single bytes is answered', async () => {
    const heard = await exchange(...`GET /health HTTP/1.1\r\n${close}\r\n`);
    checkHeaders(heard, 200);
});

await check('the request id is echoed, unless it is no id', async () => {
    const id = async (value) => checkHeaders(await exchange(`GET /health HTTP/1.1\r\n${close}X-Request-Id: ${value}\r\n\r\n`), 200)['x-request-id'];
    assert.equal(await id('my-id.1'), 'my-id.1');
    assert.match(await id('x'.repeat(129)), /^req_[0-9a-f]{32}$/);
    assert.match(await id('caf\u00e9'), /^req_[0-9a-f]{32}$/);
});

for (const nonce of ['', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64), '%61' + 'a'.repeat(63), 'a'.repeat(64) + '&nonce=' + 'b'.repeat(64)]) {
    await check(`the nonce "${nonce.slice(0, 8)}..." of ${nonce.length} is refused`, async () => {
        checkHeaders(await exchange(`GET /v1/aci/attestation?nonce=${nonce} HTTP/1.1\r\n${close}\r\n`), 400);
    });
}

await check('a client that leaves in mid-stream leaves no trace', async () => {
    for (let i = 0; i < 5; i++) {
        const body = JSON.stringify({ messages: [{ role: 'user', content: 'Tell me a story.' }], stream: true });
        await new Promise((resolve) => {
            const socket = tls.connect({ host: server.url.hostname, port: server.url.port, ca: server.ca }, () =>
                socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
            socket.once('data', () => { socket.destroy(); resolve(); });
        });
    }
    const answer = await server.chat({ messages: [{ role: 'user', content: 'hello' }], max_tokens: 4 });
    assert.equal(answer.status, 200);
});

await check('requests in a row on one connection are answered in order', async () => {
    const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const heard = await exchange(get('/health') + get('/v1/models') + get('/nothing', 'Connection: close\r\n'));
    assert.deepEqual(heard.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
});

await check('the log has nothing of what clients said', () => {
    assert.ok(!/secret-path|my-id|story/.test(server.log), server.log);
});
await check('the server ends with 0', async () => assert.equal(await server.stop(), 0, server.log));
