// SPDX-License-Identifier: MIT
// The same 20 seeded requests with 1, 2 and 3 threads, one at a time and all at once, with each SIMD level that this CPU has: the
// receipts of a request name the same output tokens and the same logits each time. Every distinct receipt replays; altered ones,
// altered answers and other models do not.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { check, model as gguf, pml, Server, temporaryDirectory } from './lib.mjs';

const temporary = temporaryDirectory();
const prompts = ['What is this project?', 'Tell me a story.', 'What is 7 plus 5?', 'Who are you?', 'What is a receipt?'];
const requests = Array.from({ length: 20 }, (_, i) => ({
    messages: [
        ...(i % 3 === 0 ? [{ role: 'system', content: 'You answer briefly.' }] : []),
        { role: 'user', content: prompts[i % prompts.length] },
        ...(i % 4 === 3 ? [{ role: 'assistant', content: 'I see.' }, { role: 'user', content: 'Go on.' }] : []),
    ],
    seed: i * 7919,
    temperature: [0, 0.7, 1, 1.5, 2][i % 5],
    top_p: [1, 0.9, 0.5][i % 3],
    max_tokens: 6 + i % 4 * 6,
    ...(i % 4 === 1 ? { stop: ['.', ' the'] } : {}),
    ...(i % 6 === 5 ? { frequency_penalty: 1.2, presence_penalty: -0.4 } : {}),
    ...(i % 2 ? { stream: true } : {}),
}));

const eventOf = (receipt, type) => receipt.event_log.find((event) => event.type === type);

async function execute(server, request) {
    const answer = await server.chat(request);
    assert.equal(answer.status, 200, answer.body.toString());
    const document = (await server.get(`/v1/aci/receipts/${answer.headers['x-receipt-id']}`)).body;
    return { request: answer.sent, response: answer.body, document, executed: eventOf(JSON.parse(document), 'inference.executed') };
}

let first;
const distinct = new Map(); // what was executed -> an execution
for (const simd of ['scalar', 'avx2', 'avx512']) {
    for (const threads of [1, 2, 3]) {
        let server;
        try {
            server = await Server.start({ args: ['--simd', simd, '-t', String(threads)] });
        } catch (error) {
            if (!/this CPU has no/.test(error.message))
                throw error;
            console.log(`# skipped: this CPU has no ${simd}`);
            break;
        }
        await check(`${simd} with ${threads} threads gives the same tokens and logits, one at a time and all at once`, async () => {
            const runs = [[], await Promise.all(requests.map((request) => execute(server, request)))];
            for (const request of requests)
                runs[0].push(await execute(server, request));
            first ??= runs[0];
            for (const run of runs) {
                for (const [i, { executed, ...rest }] of run.entries()) {
                    assert.match(executed.logits_chain_digest, /^sha256:/);
                    assert.equal(executed.output_tokens_digest, first[i].executed.output_tokens_digest, `tokens of request ${i}`);
                    assert.equal(executed.logits_chain_digest, first[i].executed.logits_chain_digest, `logits of request ${i}`);
                    assert.deepEqual(executed, first[i].executed);
                    distinct.set(JSON.stringify([i, executed]), { executed, ...rest });
                }
            }
        });
        await check(`${simd} with ${threads} threads ends with 0`, async () => assert.equal(await server.stop(), 0, server.log));
    }
}

const digests = new Set(first.map(({ executed }) => executed.output_tokens_digest));
await check('the requests differ from each other', () => assert.ok(digests.size > 15, `${digests.size} of 20`));

function replay({ request, response, document }, { model = gguf, more = [] } = {}) {
    for (const [name, bytes] of Object.entries({ request, response, receipt: document }))
        fs.writeFileSync(path.join(temporary, name), bytes);
    const result = pml('replay', path.join(temporary, 'receipt'), '--request', path.join(temporary, 'request'), '--response',
        path.join(temporary, 'response'), '-m', model, '--json', ...more);
    return [result.status, JSON.parse(result.stdout).result];
}

const altered = (execution, change) => {
    const receipt = JSON.parse(execution.document);
    change(receipt, eventOf(receipt, 'inference.executed'));
    return { ...execution, document: JSON.stringify(receipt) };
};

await check('every distinct receipt replays', () => {
    for (const execution of distinct.values())
        assert.deepEqual(replay(execution), [0, 'match']);
});
await check('an altered receipt does not', () => {
    assert.deepEqual(replay(altered(first[0], (receipt, executed) => { executed.output_tokens_digest = `sha256:${'0'.repeat(64)}`; })),
        [1, 'mismatch']);
    assert.deepEqual(replay(altered(first[2], (receipt, executed) => { executed.logits_chain_digest = `sha256:${'0'.repeat(64)}`; })),
        [1, 'mismatch']);
    assert.deepEqual(replay(altered(first[4], (receipt, executed) => { executed.seed = String(BigInt(executed.seed) + 1n); })),
        [1, 'mismatch']);
});
await check('an altered response does not', () => {
    for (const execution of first.slice(0, 2)) {
        const response = Buffer.from(execution.response);
        const at = response.indexOf('"content":"', response.indexOf('"content":"') + (execution.response.includes('data:') ? 1 : 0)) + 11;
        response[at] ^= 1;
        assert.deepEqual(replay({ ...execution, response }), [1, 'mismatch']);
    }
});
await check('with an altered model nothing can be told', () => {
    const other = fs.readFileSync(gguf);
    other[other.length - 100] ^= 1;
    fs.writeFileSync(path.join(temporary, 'other.gguf'), other);
    assert.deepEqual(replay(first[0], { model: path.join(temporary, 'other.gguf') }), [3, 'indeterminate']);
});
fs.rmSync(temporary, { recursive: true });
