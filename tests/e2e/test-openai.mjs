// SPDX-License-Identifier: MIT
// The unmodified package `openai` against a server, trusting it through NODE_EXTRA_CA_CERTS as the documentation says.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import OpenAI from 'openai';
import { Server, check } from './lib.mjs';

if (process.argv.length < 3) {
    // Node reads NODE_EXTRA_CA_CERTS when it starts, and the certificate exists once the server does.
    const server = await Server.start();
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: path.join(server.state, 'tls.crt') };
    const status = await new Promise((resolve) => {
        spawn(process.execPath, [process.argv[1], server.url.href], { env, stdio: 'inherit' }).on('close', resolve);
    });
    await check('the server ends with 0', async () => assert.equal(await server.stop(), 0, server.log));
    process.exit(status || process.exitCode || 0);
}

const client = new OpenAI({ baseURL: new URL('/v1', process.argv[2]).href, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'What is this project?' }];
let model;

await check('lists the model', async () => {
    const models = [];
    for await (const entry of client.models.list())
        models.push(entry);
    assert.equal(models.length, 1);
    model = models[0].id;
    assert.equal((await client.models.retrieve(model)).id, model);
});

let whole;
await check('answers a chat', async () => {
    whole = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 60 });
    assert.match(whole.id, /^chatcmpl-/);
    assert.equal(whole.choices[0].message.role, 'assistant');
    assert.ok(whole.choices[0].message.content.length > 10);
    assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
});

await check('streams the same answer', async () => {
    const stream = await client.chat.completions.create(
        { model, messages, temperature: 0, max_tokens: 60, stream: true, stream_options: { include_usage: true } });
    let text = '';
    let usage = null;
    let reason = null;
    for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        reason = chunk.choices[0]?.finish_reason ?? reason;
        usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(reason, whole.choices[0].finish_reason);
    assert.deepEqual(usage, whole.usage);
});

await check('repeats itself for the same seed, and only then', async () => {
    const ask = async (seed) => (await client.chat.completions.create(
        { model, messages, temperature: 1.5, seed, max_tokens: 40 })).choices[0].message.content;
    assert.equal(await ask(11), await ask(11));
    assert.notEqual(await ask(11), await ask(12));
});

await check('stops at a stop string', async () => {
    const content = whole.choices[0].message.content;
    const stop = content.slice(5, 8);
    const cut = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 60, stop });
    assert.equal(cut.choices[0].message.content, content.slice(0, content.indexOf(stop)));
    assert.equal(cut.choices[0].finish_reason, 'stop');
});

await check('ends with `length` at the limit', async () => {
    const short = await client.chat.completions.create({ model, messages, max_completion_tokens: 1 });
    assert.equal(short.choices[0].finish_reason, 'length');
    assert.equal(short.usage.completion_tokens, 1);
});

await check('can be left in mid-stream', async () => {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
        assert.ok(chunk.id);
        break;
    }
});

await check('errors have the types and codes that the package knows', async () => {
    const failure = (extra) => client.chat.completions.create({ model, messages, ...extra }).then(
        () => assert.fail('was answered'), (error) => error);
    const unknown = await failure({ model: 'no-such-model' });
    assert.ok(unknown instanceof OpenAI.NotFoundError);
    assert.equal(unknown.code, 'model_not_found');
    const range = await failure({ temperature: 9 });
    assert.ok(range instanceof OpenAI.BadRequestError);
    assert.equal(range.type, 'invalid_request_error');
    assert.equal(range.param, 'temperature');
    const unsupported = await failure({ tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] });
    assert.equal(unsupported.code, 'unsupported_parameter');
    const long = await failure({ messages: [{ role: 'user', content: 'word '.repeat(20000) }] });
    assert.equal(long.code, 'context_length_exceeded');
});

await check('the certificate is refused where nobody vouches for it', () => {
    const env = { ...process.env };
    delete env.NODE_EXTRA_CA_CERTS;
    const { status } = spawnSync(process.execPath, ['-e', `fetch(process.argv[1]).catch(() => process.exit(9))`, process.argv[2]], { env });
    assert.equal(status, 9);
});
