// SPDX-License-Identifier: MIT
// pml-verifier over HTTP: the simulated platform's quotes through POST /v1/quote and POST /verify, what strangers can do to it,
// metrics, and its end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { Server, build, check, pml, runVerifier, temporaryDirectory } from './lib.mjs';

const dir = temporaryDirectory();
const state = path.join(dir, 'state');
const bundle = path.join(dir, 'bundle.json');
const made = pml('quote', '--simulated', '--state', state, '--report-data', '0123', '--out', path.join(dir, 'quote'), '--collateral-out', bundle);
assert.equal(made.status, 0, made.stderr);
const quote = fs.readFileSync(path.join(dir, 'quote')).toString('hex');
const collateral = JSON.parse(fs.readFileSync(bundle));
const trusting = ['--collateral', bundle, '--trust-simulated', state, '--offline'];

const json = (response) => JSON.parse(response.body);

await check('judges a quote as pml verify does', async () => {
    const server = await Server.startVerifier(trusting);
    const answer = await server.request('POST', '/v1/quote', { body: { quote } });
    assert.equal(answer.status, 200);
    const said = json(answer);
    const command = pml('verify', path.join(dir, 'quote'), '--collateral', bundle, '--trust-simulated', state, '--json');
    assert.equal(command.status, 0, command.stderr);
    assert.deepEqual({ ...said, verified_at: null }, { ...JSON.parse(command.stdout), verified_at: null });
    assert.equal(said.accepted, true);
    assert.equal(said.simulated, true);
    assert.equal(await server.stop(), 0, server.log);
});

await check('answers dstack clients, and calls nothing valid whose image it did not see', async () => {
    const server = await Server.startVerifier(trusting);
    const answer = await server.request('POST', '/verify', { body: { quote, event_log: '[]', vm_config: '{}', debug: true } });
    assert.equal(answer.status, 200);
    const said = json(answer);
    assert.equal(said.is_valid, false);
    assert.equal(said.details.quote_verified, true);
    assert.equal(said.details.os_image_hash_verified, false);
    assert.equal(said.details.report_data, '0123'.padEnd(128, '0'));
    assert.match(said.reason, /^Event log verification failed: /);
    assert.deepEqual(json(await server.get('/health')), { status: 'ok', service: 'dstack-verifier' });
    assert.equal(await server.stop(), 0, server.log);
});

await check('trusts a simulation only when told to by name', async () => {
    const server = await Server.startVerifier(['--collateral', bundle, '--offline']);
    const pem = fs.readFileSync(path.join(state, 'sim/root.pem'), 'utf8');
    const plain = json(await server.request('POST', '/v1/quote', { body: { quote } }));
    assert.equal(plain.ok, false);
    assert.equal(plain.error.code, 'pck_chain_root');
    for (const policy of [{ simulated_roots: [pem] }, { trusted_root: pem }])
        assert.equal((await server.request('POST', '/v1/quote', { body: { quote, collateral, policy } })).status, 400);
    assert.equal(await server.stop(), 0, server.log);
});

await check('a request only tightens the policy', async () => {
    const policy = path.join(dir, 'policy.json');
    fs.writeFileSync(policy, '{"accept_status":["OutOfDate"]}');
    const server = await Server.startVerifier([...trusting, '--policy', policy]);
    const said = json(await server.request('POST', '/v1/quote', { body: { quote, policy: { accept_status: ['any'] } } }));
    assert.equal(said.ok, true);
    assert.equal(said.accepted, false);
    assert.equal(said.error.code, 'status_not_accepted');
    assert.equal(await server.stop(), 0, server.log);
});

await check('judges as of another time only with its switch', async () => {
    const at = new Date(Date.now() + 400 * 86400e3).toISOString().replace(/\.\d+/, '');
    const server = await Server.startVerifier(trusting);
    assert.equal((await server.request('POST', '/v1/quote', { body: { quote, at } })).status, 400);
    assert.equal(await server.stop(), 0, server.log);
    const other = await Server.startVerifier([...trusting, '--allow-time-override']);
    const said = json(await other.request('POST', '/v1/quote', { body: { quote, at } }));
    assert.equal(said.verified_at, at);
    assert.match(said.error.code, /_expired$/);
    assert.equal(await other.stop(), 0, other.log);
});

await check('bad requests get 4xx with an object that says why', async () => {
    const server = await Server.startVerifier(trusting);
    for (const [method, target, body, status] of [
        ['POST', '/v1/quote', '', 400], ['POST', '/v1/quote', '{"quote":1}', 400], ['POST', '/v1/quote', '{"quote":"04","x":1}', 400],
        ['POST', '/v1/quote', '[' .repeat(100000), 400], ['POST', '/verify', '{', 400], ['POST', '/verify', '{"quote":{}}', 422],
        ['GET', '/verify', undefined, 405], ['POST', '/health', '{}', 405], ['GET', '/', undefined, 404],
        ['POST', '/verify', 'x'.repeat((1 << 20) + 1), 413],
    ]) {
        const answer = await server.request(method, target, { body });
        assert.equal(answer.status, status, `${method} ${target} ${body?.slice(0, 40)}`);
        assert.equal(typeof json(answer).error.message, 'string');
    }
    assert.equal((await server.get('/health')).status, 200);
    assert.equal(await server.stop(), 0, server.log);
});

await check('more requests than it has room for are turned away at once', async () => {
    const server = await Server.startVerifier([...trusting, '--workers', '1', '--queue', '1']);
    const body = JSON.stringify({ quote, policy: { rejected_advisory_ids: Array.from({ length: 60000 }, (_, i) => `SA-${i}`) } });
    const answers = await Promise.all(Array.from({ length: 48 }, () => server.request('POST', '/v1/quote', { body })));
    const refused = answers.filter((answer) => answer.status === 503);
    for (const answer of answers)
        assert.ok(answer.status === 200 ? json(answer).accepted : answer.status === 503, String(answer.status));
    assert.ok(refused.length > 0 && refused.length < answers.length, `${refused.length} refused`);
    for (const answer of refused) {
        assert.equal(answer.headers['retry-after'], '1');
        assert.equal(json(answer).error.code, 'busy');
    }
    const metrics = String((await server.get('/metrics')).body);
    assert.match(metrics, new RegExp(`^pml_verifier_turned_away_total ${refused.length}$`, 'm'));
    assert.match(metrics, new RegExp(`^pml_verifier_answers_total{path="/v1/quote",outcome="accepted"} ${answers.length - refused.length}$`, 'm'));
    assert.match(metrics, /^pml_verifier_waiting 0$/m);
    assert.match(metrics, new RegExp(`^pml_verifier_answer_seconds_count ${answers.length - refused.length}$`, 'm'));
    assert.equal(await server.stop(), 0, server.log);
});

await check('outlives clients that go away, and answers those at hand when it ends', async () => {
    const server = await Server.startVerifier([...trusting, '--workers', '1']);
    const body = JSON.stringify({ quote });
    for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => {
            const socket = net.connect(server.url.port, '127.0.0.1', () => {
                socket.write(`POST /v1/quote HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`, () => socket.destroy());
            });
            socket.on('close', resolve);
        });
    }
    const answer = new Promise((resolve, reject) => {
        const request = http.request(new URL('/v1/quote', server.url), { method: 'POST' }, (response) => {
            response.resume();
            response.on('end', () => resolve(response.statusCode));
        });
        request.on('error', reject);
        request.write(body.slice(0, 100));
        setTimeout(() => server.child.kill('SIGTERM'), 50);
        setTimeout(() => request.end(body.slice(100)), 300);
    });
    assert.equal(await answer, 200);
    assert.equal(await server.ended, 0, server.log);
});

await check('fetches what no bundle has, and keeps it', async () => {
    const pccs = spawn(path.join(build, 'src/cmd/tdxsim/pml-tdxsim'), ['pccs', '--state', state, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(pccs.stdout, 'data');
    const [url] = /http:\S+/.exec(line);
    const cache = path.join(dir, 'cache');
    const server = await Server.startVerifier(['--trust-simulated', state, '--pccs', url, '--cache', cache]);
    for (const bytes of [quote, quote])
        assert.equal(json(await server.request('POST', '/v1/quote', { body: { quote: bytes } })).accepted, true);
    assert.equal(json(await server.request('POST', '/verify', { body: { quote } })).details.quote_verified, true);
    pccs.kill();
    await once(pccs, 'close');
    assert.equal(json(await server.request('POST', '/v1/quote', { body: { quote } })).accepted, true);
    assert.equal(await server.stop(), 0, server.log);
    const later = await Server.startVerifier(['--trust-simulated', state, '--offline', '--cache', cache]);
    assert.equal(json(await later.request('POST', '/v1/quote', { body: { quote } })).accepted, true);
    assert.equal(await later.stop(), 0, later.log);
    const without = await Server.startVerifier(['--trust-simulated', state, '--offline']);
    const said = json(await without.request('POST', '/v1/quote', { body: { quote } }));
    assert.equal(said.ok, false);
    assert.equal(said.error.code, 'collateral_unavailable');
    assert.match(String((await without.get('/metrics')).body), /outcome="unknown"} 1$/m);
    assert.equal(await without.stop(), 0, without.log);
});

await check('says what is wrong with how it is started', () => {
    fs.writeFileSync(path.join(dir, 'bad.json'), '{}');
    fs.writeFileSync(path.join(dir, 'misspelt.json'), '{"acept_status":[]}');
    for (const [args, status, text] of [
        [['--collateral', path.join(dir, 'bad.json')], 1, /collateral: .*pck_crl_issuer_chain is missing/],
        [['--collateral', path.join(dir, 'none')], 3, /No such file/],
        [['--policy', path.join(dir, 'misspelt.json')], 2, /acept_status: no such member/],
        [['--root', path.join(state, 'sim/root.pem')], 2, /--root/],
        [['--pccs', 'http://example.org'], 2, /.*/],
        [['--workers', '0'], 2, /--workers: a number from 1/],
        [['--listen', 'example.org:1'], 2, /.*/],
        [['more'], 2, /usage: pml verifier/],
    ]) {
        const ended = runVerifier(...args);
        assert.equal(ended.status, status, args.join(' ') + ended.stderr);
        assert.match(ended.stderr, text);
    }
});

fs.rmSync(dir, { recursive: true });
