// SPDX-License-Identifier: MIT
// Planted secrets - prompt, answer, bearer tokens, private keys - are in no log line, no file of the state directory, no error and no
// argument list, at the most talkative log level and when things go wrong; and no core file can hold them.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { check, model, pmlBeside, pmlProgram, Server, temporaryDirectory } from './lib.mjs';

const temporary = temporaryDirectory();
const state = path.join(temporary, 'state');
const token = crypto.randomBytes(24).toString('hex');
const wrongToken = crypto.randomBytes(24).toString('hex');
const tokenFile = path.join(temporary, 'tokens');
fs.writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
const options = { state, args: ['--log-level', 'debug', '--api-token-file', tokenFile] };
let server = await Server.start(options);
const bearer = { Authorization: `Bearer ${token}` };
const secret = 'PLUM-4711';
const secrets = new Map([['the prompt', secret], ['a token', token], ['a token that is not listed', wrongToken]]);
let said = ''; // what servers logged and pml printed on standard error
let answers = '';

await check('requests of every kind are answered or refused', async () => {
    const messages = [{ role: 'user', content: `Tell me a story about ${secret}.` }];
    const body = { messages, seed: 1, max_tokens: 40 };
    for (const stream of [false, true]) {
        const answer = await server.chat({ ...body, stream }, { headers: bearer });
        assert.equal(answer.status, 200);
        assert.equal((await server.get(`/v1/aci/receipts/${answer.headers['x-receipt-id']}`, { headers: bearer })).status, 200);
        if (!stream)
            secrets.set('the answer', JSON.parse(answer.body).choices[0].message.content.slice(0, 40));
    }
    const refused = [
        await server.chat(body),
        await server.chat(body, { headers: { Authorization: `Bearer ${wrongToken}` } }),
        await server.chat({ ...body, temperature: secret }, { headers: bearer }),
        await server.chat({ ...body, model: 'none' }, { headers: bearer }),
        await server.chat(`{"messages":"${secret}`, { headers: bearer }),
        await server.get(`/${secret}?${secret}`, { headers: { ...bearer, 'X-Request-Id': secret.repeat(40) } }),
        await server.get(`/v1/aci/receipts/${secret}`, { headers: bearer }),
        await server.get(`/v1/aci/attestation?nonce=${secret}`),
    ];
    assert.deepEqual(refused.map(({ status }) => status), [401, 401, 400, 404, 400, 404, 404, 400]);
    for (const { body: error } of refused)
        answers += error;
});

await check('pml chat takes the token from a file and says it nowhere', async () => {
    const args = ['chat', server.url.origin, '--trust-simulated', state, '--max-tokens', '5', '--json'];
    const good = await pmlBeside([...args, '--api-token-file', tokenFile], secret);
    assert.equal(good.status, 0, good.stdout);
    const bad = await pmlBeside(args, secret);
    assert.equal(bad.status, 1);
    said += good.stderr + bad.stderr;
    assert.ok(!(good.stdout + bad.stdout).includes(token));
    assert.ok(!bad.stdout.includes(secret));
});

await check('nothing may dump core, and the server has no secret in its arguments', async () => {
    const proc = `/proc/${server.child.pid}`;
    const limits = /^Max core file size +0 +0 /m;
    assert.match(fs.readFileSync(`${proc}/limits`, 'utf8'), limits);
    const waiting = spawn(pmlProgram, ['tokenize', '-m', model], { stdio: ['pipe', 'ignore', 'ignore'] }); // for its input
    for (let tries = 0; !limits.test(fs.readFileSync(`/proc/${waiting.pid}/limits`, 'utf8')); tries++) {
        assert.ok(tries < 1000, 'pml may dump core');
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    waiting.stdin.end();
    await new Promise((resolve) => waiting.on('close', resolve));
    const seen = fs.readFileSync(`${proc}/cmdline`, 'utf8');
    for (const [what, value] of secrets)
        assert.ok(!seen.includes(value), what);
});

await check('the keys of all roles are renewed while it runs', async () => {
    for (const file of ['keys/receipt.key', 'keys/tls.key'])
        secrets.set(`the old ${file}`, fs.readFileSync(path.join(state, file), 'utf8').split('\n')[1]);
    server.child.kill('SIGHUP');
    const before = server.ca;
    for (let tries = 0; fs.readFileSync(path.join(state, 'tls.crt')).equals(before); tries++) {
        assert.ok(tries < 3000, 'no new certificate');
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    server.ca = fs.readFileSync(path.join(state, 'tls.crt'));
    assert.equal((await server.get('/health')).status, 200);
});

// Killed, so that the write-ahead log of the store stays to be looked at as well.
await server.stop('SIGKILL');
said += server.log;
server = await Server.start(options);
assert.equal(await server.stop(), 0, server.log);
said += server.log;

const privateKeys = [];
for (const dir of ['sim', 'keys']) {
    for (const name of fs.readdirSync(path.join(state, dir)).filter((file) => file.endsWith('.key'))) {
        const pem = fs.readFileSync(path.join(state, dir, name), 'utf8');
        const jwk = crypto.createPrivateKey(pem).export({ format: 'jwk' });
        const raw = Buffer.from(jwk.d, 'base64url');
        privateKeys.push(raw);
        secrets.set(`${dir}/${name} in hex`, raw.toString('hex'));
        secrets.set(`${dir}/${name} in base64`, pem.split('\n')[1]);
    }
}

await check('nothing of it was logged', () => {
    assert.equal(privateKeys.length, 7);
    assert.match(said, /serve\./, 'the log is there');
    for (const [what, value] of secrets)
        assert.ok(!said.toLowerCase().includes(value.toLowerCase()), what);
});

await check('nothing of it is in an error that a client gets', () => {
    for (const [what, value] of secrets)
        assert.ok(!answers.includes(value), what);
});

await check('nothing of it is on the disk, but for the keys in their own files', () => {
    const files = execFileSync('find', [state, '-type', 'f'], { encoding: 'utf8' }).trim().split('\n');
    assert.ok(files.includes(path.join(state, 'store.db')));
    for (const file of files) {
        const bytes = fs.readFileSync(file);
        if (file.endsWith('.key')) {
            assert.equal(fs.statSync(file).mode & 0o777, 0o600, file);
            continue;
        }
        for (const [what, value] of secrets)
            assert.ok(!bytes.includes(value), `${what} in ${file}`);
        for (const raw of privateKeys)
            assert.ok(!bytes.includes(raw), `a private key in ${file}`);
    }
});
fs.rmSync(temporary, { recursive: true });
