// SPDX-License-Identifier: MIT
// pml chat, pml receipt verify and pml replay as a user runs them: against a real server, and against one in the middle that has the
// server's own TLS key and changes one thing. Each change must end the run in the check it is about, with the exit status for that,
// and no prompt may have arrived before the checks up to identity have passed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { check, model, pmlBeside, pmlProgram, Server, temporaryDirectory } from './lib.mjs';

const prompt = 'What are you? PLUM-4711';
const checkNames = ['report', 'quote', 'report_data', 'tls_key', 'event_log', 'model', 'engine', 'identity', 'receipt', 'request_hash',
    'response_hash', 'receipt_model', 'receipt_engine', 'replay'];
const temporary = temporaryDirectory();
const server = await Server.start();
const url = server.url.origin;
const trust = ['--trust-simulated', server.state];

async function runJson(args, input) {
    const result = await pmlBeside([...args, '--json'], input);
    assert.equal(result.stdout.split('\n').length, 2, `not one line: ${result.stdout}${result.stderr}`);
    return { ...result, verdict: JSON.parse(result.stdout) };
}

function assertFailed(result, status, code, failed = code) {
    assert.equal(result.verdict.error?.code, code, result.stdout);
    assert.equal(result.status, status, result.stdout);
    assert.equal(result.verdict.ok, false);
    for (const name of checkNames)
        assert.equal(result.verdict.checks[name] === 'fail', name === failed, `${name}: ${result.stdout}`);
}

// --- one that is in the middle ---

// Serves with KEY and CERTIFICATE what the real server says, after CHANGE(target, answer) has had its way with it.
class Middle {
    static async start(change, { key, cert } = {}) {
        const middle = new Middle();
        middle.prompts = 0;
        key ??= fs.readFileSync(path.join(server.state, 'keys/tls.key'));
        cert ??= server.ca;
        middle.server = https.createServer({ key, cert }, async (request, response) => {
            const pieces = [];
            for await (const piece of request)
                pieces.push(piece);
            const body = Buffer.concat(pieces);
            if (request.method === 'POST' || body.includes('PLUM'))
                middle.prompts++;
            const { host, connection, ...headers } = request.headers;
            const answer = await server.request(request.method, request.url, { body: body.length ? body : undefined, headers });
            answer.sent = body;
            await change(request.url, answer, middle);
            delete answer.headers['transfer-encoding'];
            answer.headers['content-length'] = answer.body.length;
            answer.headers.connection = 'close';
            response.writeHead(answer.status, answer.headers);
            response.end(answer.body);
        });
        await new Promise((resolve) => middle.server.listen(0, '127.0.0.1', resolve));
        middle.url = `https://127.0.0.1:${middle.server.address().port}`;
        return middle;
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

// A change of the parsed report, or of the receipt.
const inReport = (change) => (target, answer) => {
    if (!target.startsWith('/v1/aci/attestation'))
        return;
    const report = JSON.parse(answer.body);
    change(report, report.attestation.evidence);
    answer.body = Buffer.from(JSON.stringify(report));
};
const inReceipt = (change) => (target, answer) => {
    if (!target.startsWith('/v1/aci/receipts/'))
        return;
    const receipt = JSON.parse(answer.body);
    change(receipt);
    answer.body = Buffer.from(JSON.stringify(receipt));
};
const inAnswer = (change) => (target, answer) => {
    if (target === '/v1/chat/completions')
        change(answer);
};
const flip = (hex, at) => hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);
const eventOf = (receipt, type) => receipt.event_log.find((event) => event.type === type);
const oldReport = (await server.get(`/v1/aci/attestation?nonce=${'5e'.repeat(32)}`)).body;
const oldReceipt = await (async () => {
    const answer = await server.chat({ messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 2 });
    return (await server.get(`/v1/aci/receipts/${answer.headers['x-receipt-id']}`)).body;
})();

const lies = [
    // [what, change, code, failed check (default: code), may the prompt have been sent]
    ['a keyset digest of another keyset', inReport((r) => { r.workload_keyset_digest = 'sha256:' + '0'.repeat(64); }), 'report_data'],
    ['an old report', (target, answer) => { if (target.includes('attestation')) answer.body = oldReport; }, 'report_data'],
    ['a quote with a flipped bit', inReport((r, e) => { e.quote = flip(e.quote, 400); }), 'quote_signature', 'quote'],
    ['altered collateral', inReport((r, e) => {
        e.pml.collateral.tcb_info = e.pml.collateral.tcb_info.replace('"tcbEvaluationDataNumber":1', '"tcbEvaluationDataNumber":2');
    }), 'tcb_info_signature', 'quote'],
    ['an event log with another digest', inReport((r, e) => {
        const log = JSON.parse(e.event_log);
        log.at(-1).digest = flip(log.at(-1).digest, 5);
        e.event_log = JSON.stringify(log);
    }), 'event_log'],
    ['an event log without its last event', inReport((r, e) => {
        e.event_log = JSON.stringify(JSON.parse(e.event_log).slice(0, -1));
    }), 'event_log'],
    ['another app_compose', inReport((r, e) => { e.app_compose = e.app_compose.replace('pml-serve', 'pml-swerve'); }), 'event_log'],
    ['another model', inReport((r, e) => { e.pml.models[0].file_digest = 'sha256:' + '1'.repeat(64); }), 'model'],
    ['another engine', inReport((r, e) => { e.pml.engine.build_digest = 'sha256:' + '1'.repeat(64); }), 'engine'],
    ['a report that is not JSON', (target, answer) => { answer.body = Buffer.from('{'); }, 'report'],
    ['a report of five MiB', inReport((r) => { r.padding = 'x'.repeat(5 << 20); }), 'report'],
    ['an altered byte of the answer', inAnswer((answer) => {
        const at = answer.body.lastIndexOf('"finish_reason"');
        answer.body[answer.body.indexOf('"content":"', 300) + 11] ^= 1;
        assert(at > 0);
    }), 'response_hash', 'response_hash', true],
    ['no receipt id', inAnswer((answer) => { delete answer.headers['x-receipt-id']; }), 'receipt', 'receipt', true],
    ['an unknown receipt id', inAnswer((answer) => { answer.headers['x-receipt-id'] = 'rcpt-' + '0'.repeat(24); }), 'receipt', 'receipt', true],
    ['the receipt of another request', (target, answer) => {
        if (target.startsWith('/v1/aci/receipts/'))
            answer.body = oldReceipt;
    }, 'receipt', 'receipt', true],
    ['a receipt whose signature is altered', inReceipt((r) => { r.signature = flip(r.signature, 3); }), 'receipt', 'receipt', true],
    ['a receipt whose hash is altered', inReceipt((r) => {
        eventOf(r, 'response.returned').body_hash = 'sha256:' + '0'.repeat(64);
    }), 'receipt', 'receipt', true],
    ['a receipt with a member more', inReceipt((r) => { r.note = 'trust me'; }), 'receipt', 'receipt', true],
];

// --- files that were saved ---

const saved = path.join(temporary, 'saved');
const file = (name, dir = saved) => path.join(dir, name);
const verifyArgs = (dir = saved) => ['receipt', 'verify', file('receipt.json', dir), '--report', file('report.json', dir), '--nonce',
    fs.readFileSync(file('nonce', dir), 'utf8'), '--request', file('request.json', dir), '--response', file('response.bin', dir), ...trust];
const replayArgs = (dir = saved, gguf = model) => ['replay', file('receipt.json', dir), '--request', file('request.json', dir),
    '--response', file('response.bin', dir), '-m', gguf];

// A copy of the saved files in which one is changed.
function altered(name, change) {
    const dir = fs.mkdtempSync(path.join(temporary, 'altered-'));
    fs.cpSync(saved, dir, { recursive: true });
    fs.writeFileSync(file(name, dir), change(fs.readFileSync(file(name, dir))));
    return dir;
}

const asJson = (change) => (bytes) => {
    const value = JSON.parse(bytes);
    change(value);
    return JSON.stringify(value);
};
const withFlippedByte = (at) => (bytes) => {
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    return bytes;
};

try {
    await check('a verified answer: exit 0, one JSON object with every member', async () => {
        const { status, verdict } = await runJson(['chat', url, prompt, ...trust, '--save', saved, '--replay', model]);
        assert.equal(status, 0);
        assert.deepEqual(Object.keys(verdict), ['ok', 'simulated', 'checks', 'receipt_id', 'model', 'error', 'answer']);
        assert.deepEqual(Object.keys(verdict.checks), checkNames);
        for (const name of checkNames)
            assert.equal(verdict.checks[name], name === 'identity' ? 'skip' : 'pass', name);
        assert.equal(verdict.simulated, true);
        assert.match(verdict.receipt_id, /^rcpt-[0-9a-f]{24}$/);
        assert.equal(verdict.error, null);
        assert(verdict.answer.length > 0);
    });

    await check('text output says SIMULATED first and last, shows the answer and a line a check', async () => {
        const { status, stdout, stderr } = await pmlBeside(['chat', url, 'Hello.', ...trust, '--temp', '0', '--max-tokens', '30']);
        const lines = stdout.trimEnd().split('\n');
        assert.equal(status, 0, stdout + stderr);
        assert.match(lines[0], /^SIMULATED/);
        assert.match(lines.at(-1), /^SIMULATED/);
        assert.match(lines.at(-2), /^VERIFIED/);
        for (const name of checkNames)
            assert(lines.some((line) => line.includes(` ${name} `)), name);
        assert.equal(stderr, '');
    });

    await check('the prompt comes from standard input; the same seed gives the same answer', async () => {
        const args = ['chat', url, ...trust, '--seed', '18446744073709551615', '--temp', '0.7', '--max-tokens', '20'];
        const first = await runJson(args, 'Tell me a story.\n');
        const second = await runJson(args, 'Tell me a story.\n');
        assert.equal(first.status, 0);
        assert.equal(first.verdict.answer, second.verdict.answer);
        const receipt = JSON.parse((await server.get(`/v1/aci/receipts/${first.verdict.receipt_id}`)).body);
        assert.equal(eventOf(receipt, 'inference.executed').seed, '18446744073709551615');
        assert.match(eventOf(receipt, 'inference.executed').sampling, /^temperature=3f333333;/);
    });

    await check('an untrusted simulation is refused before the prompt', async () => {
        const middle = await Middle.start(() => {});
        const result = await runJson(['chat', middle.url, prompt]);
        await middle.stop();
        assertFailed(result, 1, 'pck_chain_root', 'quote');
        assert.equal(result.verdict.simulated, true);
        assert.equal(middle.prompts, 0);
    });

    await check('the one in the middle that changes nothing is not noticed', async () => {
        const middle = await Middle.start(() => {});
        const { status } = await runJson(['chat', middle.url, prompt, ...trust]);
        await middle.stop();
        assert.equal(status, 0);
        assert.equal(middle.prompts, 1);
    });

    for (const [what, change, code, failed, sent] of lies) {
        await check(`refused: ${what}`, async () => {
            const middle = await Middle.start(change);
            const result = await runJson(['chat', middle.url, prompt, ...trust]);
            await middle.stop();
            assertFailed(result, 1, code, failed);
            assert.equal(middle.prompts, sent ? 1 : 0);
        });
    }

    await check('another TLS key than the attested one is refused before the prompt', async () => {
        const other = await Server.start();
        const key = fs.readFileSync(path.join(other.state, 'keys/tls.key'));
        const middle = await Middle.start(() => {}, { key, cert: other.ca });
        const result = await runJson(['chat', middle.url, prompt, ...trust]);
        await middle.stop();
        assertFailed(result, 1, 'tls_key');
        assert.equal(middle.prompts, 0);

        const swapping = await Middle.start((target, answer, self) => { self.server.setSecureContext({ key, cert: other.ca }); });
        const swapped = await runJson(['chat', swapping.url, prompt, ...trust]);
        await swapping.stop();
        await other.stop();
        assertFailed(swapped, 1, 'tls_key');
        assert.equal(swapping.prompts, 0);
    });

    await check('a printed policy is accepted, and an altered pin is not', async () => {
        const printed = await pmlBeside(['chat', url, '--print-policy', ...trust]);
        assert.equal(printed.status, 0);
        const policy = JSON.parse(printed.stdout);
        const policyFile = path.join(temporary, 'policy.json');
        fs.writeFileSync(policyFile, printed.stdout);
        const { verdict } = await runJson(['chat', url, prompt, '--policy', policyFile, ...trust]);
        assert.equal(verdict.checks.identity, 'pass');
        assert.equal(verdict.ok, true);
        const pins = [['mr_td', 'policy_mr_td', 'quote'], ['rt_mr0', 'policy_rt_mr0', 'quote'], ['compose_hash', 'identity'],
            ['models', 'identity'], ['engine_builds', 'identity']];
        for (const [pin, code, failed] of pins) {
            const value = policy[pin][0];
            fs.writeFileSync(policyFile, JSON.stringify({ ...policy, [pin]: [flip(value, value.length - 1)] }));
            const middle = await Middle.start(() => {});
            const result = await runJson(['chat', middle.url, prompt, '--policy', policyFile, ...trust]);
            await middle.stop();
            assertFailed(result, 1, code, failed);
            assert.equal(middle.prompts, 0);
        }
        fs.writeFileSync(policyFile, '{"mr_tdd":[]}');
        assert.equal((await pmlBeside(['chat', url, prompt, '--policy', policyFile])).status, 2);
    });

    await check('what was saved verifies, with and without bodies', async () => {
        const whole = await runJson(verifyArgs());
        assert.equal(whole.status, 0, whole.stdout);
        assert.deepEqual(Object.keys(whole.verdict), ['ok', 'simulated', 'checks', 'receipt_id', 'model', 'error']);
        for (const name of ['request_hash', 'response_hash', 'receipt', 'quote'])
            assert.equal(whole.verdict.checks[name], 'pass');
        assert.equal(whole.verdict.checks.tls_key, 'skip');
        const args = verifyArgs();
        args.splice(args.indexOf('--request'), 4);
        const bare = await runJson(args);
        assert.equal(bare.status, 0);
        assert.equal(bare.verdict.checks.request_hash, 'skip');
        assert.equal((await runJson([...args, '--at', '2001-01-01T00:00:00Z'])).verdict.checks.quote, 'fail');
        const args2 = verifyArgs().filter((word, i, all) => word !== '--nonce' && all[i - 1] !== '--nonce');
        assertFailed(await runJson(args2), 1, 'report_data');
    });

    const alterations = [
        ['receipt.json', asJson((r) => { r.served_at++; }), 'receipt'],
        ['receipt.json', asJson((r) => { eventOf(r, 'model.measured').file_size++; }), 'receipt'],
        ['receipt.json', () => 'plums', 'receipt'],
        ['report.json', asJson((r) => { r.attestation.workload_keyset.not_after++; }), 'report_data'],
        ['report.json', asJson((r) => { r.attestation.evidence.pml.models = []; }), 'model'],
        ['report.json', () => '[]', 'report'],
        ['request.json', withFlippedByte(-3), 'request_hash'],
        ['response.bin', withFlippedByte(-20), 'response_hash'],
    ];
    for (const [name, change, code] of alterations) {
        await check(`altered after saving: ${name} (${code})`, async () => {
            assertFailed(await runJson(verifyArgs(altered(name, change))), 1, code);
        });
    }

    await check('replay matches, with another number of threads and with the report', async () => {
        for (const more of [[], ['-t', '3'], ['--report', file('report.json')]]) {
            const { status, verdict } = await runJson([...replayArgs(), ...more]);
            assert.equal(status, 0, JSON.stringify(verdict));
            assert.deepEqual(Object.keys(verdict), ['result', 'choice', 'step', 'expected', 'actual', 'what', 'reason', 'same_build']);
            assert.equal(verdict.result, 'match');
        }
    });

    await check('replay finds an altered response, receipt, report and model', async () => {
        const response = await runJson(replayArgs(altered('response.bin', withFlippedByte(-20))));
        assert.deepEqual([response.status, response.verdict.result, response.verdict.what], [1, 'mismatch', 'text']);
        const tokens = await runJson(replayArgs(altered('receipt.json', asJson((r) => {
            eventOf(r, 'inference.executed').output_tokens_digest = 'sha256:' + '0'.repeat(64);
        }))));
        assert.deepEqual([tokens.status, tokens.verdict.result, tokens.verdict.what], [1, 'mismatch', 'token']);
        const signature = await runJson([...replayArgs(altered('receipt.json', asJson((r) => { r.served_at++; }))), '--report',
            file('report.json')]);
        assert.equal(signature.status, 1);
        const otherModel = path.join(temporary, 'other.gguf');
        fs.writeFileSync(otherModel, withFlippedByte(-100)(fs.readFileSync(model)));
        const weights = await runJson(replayArgs(saved, otherModel));
        assert.deepEqual([weights.status, weights.verdict.result], [3, 'indeterminate']);
        const live = await runJson(['chat', url, prompt, ...trust, '--replay', otherModel]);
        assert.deepEqual([live.status, live.verdict.error.code], [3, 'replay']);
        assert.equal((await runJson(replayArgs(saved, '/nonexistent'))).status, 3);
    });

    await check('misuse is exit 2 and one line or the usage, trouble is exit 3', async () => {
        const cases = [
            [2, ['chat']], [2, ['chat', 'http://127.0.0.1:1', 'x']], [2, ['chat', url, 'x', 'y']], [2, ['chat', url, ...trust]],
            [2, ['chat', url, 'x', '--seed', '-1']], [2, ['chat', url, 'x', '--seed', '18446744073709551616']],
            [2, ['chat', url, 'x', '--temp', '2.5']], [2, ['chat', url, 'x', '--max-tokens', '0']],
            [2, ['chat', url, 'x', '--collateral', 'a', '--fresh-collateral']], [2, ['chat', url, 'x', '--frobnicate']],
            [2, ['chat', url, 'x', '--trust-simulated', server.state + '/tls.crt']],
            [2, ['receipt']], [2, ['receipt', 'verify', 'x']], [2, [...verifyArgs(), '--at', 'noon']], [2, [...verifyArgs(), '--nonce', 'AA']],
            [2, ['replay', 'x']], [2, [...replayArgs(), '-t', '0']],
            [3, ['chat', 'https://127.0.0.1:1', 'x']], [2, ['chat', url, 'x', '--pccs', 'http://pccs.example']],
            [3, ['chat', url, 'x', ...trust, '--fresh-collateral']], [3, ['chat', url, 'x', '--collateral', '/nonexistent']],
            [3, ['receipt', 'verify', '/nonexistent', '--report', '/nonexistent']],
        ];
        for (const [status, args] of cases) {
            const result = await pmlBeside(args);
            assert.equal(result.status, status, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
        }
        const nothing = await runJson(['chat', 'https://127.0.0.1:1', 'x']);
        assert.deepEqual([nothing.status, nothing.verdict.error.code, nothing.verdict.ok], [3, 'network', false]);
    });

    await check('a verdict that cannot be printed is no success', () => {
        const full = fs.openSync('/dev/full', 'w');
        for (const args of [['chat', url, 'Hello.', ...trust], ['chat', url, '--print-policy', ...trust], verifyArgs(), replayArgs()]) {
            for (const more of [[], ['--json']]) {
                const { status, stderr } = spawnSync(pmlProgram, [...args, ...more], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
                assert.equal(status, 3, `${args[0]} ${more}: ${stderr}`);
                assert.match(stderr, /^pml: standard output: No space left on device$/m);
            }
        }
        fs.closeSync(full);
    });

    await check('a service that wants a token refuses without, and is verified with one', async () => {
        const token = crypto.randomBytes(16).toString('hex');
        const tokenFile = path.join(temporary, 'token');
        fs.writeFileSync(tokenFile, token + '\n');
        const guarded = await Server.start({ args: ['--api-token-file', tokenFile] });
        const args = ['chat', guarded.url.origin, 'Hello.', '--trust-simulated', guarded.state];
        const without = await runJson(args);
        assert.deepEqual([without.status, without.verdict.error.code], [1, 'refused']);
        const result = await runJson([...args, '--api-token-file', tokenFile]);
        assert.equal(result.status, 0, result.stdout);
        await guarded.stop();
    });

    await check('a prompt longer than the context is refused, and nothing fails but the request', async () => {
        const result = await runJson(['chat', url, ...trust], 'why '.repeat(20000));
        assert.deepEqual([result.status, result.verdict.error.code, result.verdict.answer], [1, 'refused', null]);
    });
} finally {
    await server.stop();
    fs.rmSync(temporary, { recursive: true });
}
