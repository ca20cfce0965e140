// SPDX-License-Identifier: MIT
// A model whose chat template is of no family that the engine has: it is rendered by the interpreter, the receipt says so and gives the
// day that the template was told, and a replay makes the same prompt again.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { check, model, pml, pmlBeside, Server, temporaryDirectory } from './lib.mjs';

// The demo model's template in other words, which the marks of families do not give away. Reads the clock and makes nothing of it.
const template = "{% set _ = strftime_now('%Y') %}{% for m in messages %}{{ '<|im_' + 'start|>' + m.role + '\\n' + m.content + '<|im_'" +
    " + 'end|>\\n' }}{% endfor %}{{ '<|im_' + 'start|>assistant\\n'";
const temporary = temporaryDirectory();
const gguf = path.join(temporary, 'jinja.gguf');
const bytes = fs.readFileSync(model);
const size = bytes.indexOf('tokenizer.chat_template') + 'tokenizer.chat_template'.length + 4; // behind the type of the value
const room = Number(bytes.readBigUInt64LE(size));
assert(template.length + 2 <= room);
bytes.write(template.padEnd(room - 2) + '}}', size + 8, 'latin1');
fs.writeFileSync(gguf, bytes);

const saved = path.join(temporary, 'saved');
const ask = async (file, directory) => {
    const server = await Server.start({ gguf: file });
    const result = await pmlBeside(['chat', server.url.origin, 'What are you?', '--trust-simulated', server.state, '--temp', '0', '--seed', '1',
        '--max-tokens', '24', '--json', '--save', path.join(temporary, directory)]);
    await server.stop();
    return JSON.parse(result.stdout);
};
const replay = (dir) => {
    const result = pml('replay', path.join(dir, 'receipt.json'), '--request', path.join(dir, 'request.json'), '--response',
        path.join(dir, 'response.bin'), '-m', gguf, '--json');
    return JSON.parse(result.stdout);
};
const eventOf = (receipt, type) => receipt.event_log.find((event) => event.type === type);

await check('the answer is that of the model with its own template', async () => {
    const theirs = await ask(model, 'demo'), ours = await ask(gguf, 'saved');
    assert.equal(ours.ok, true, JSON.stringify(ours.error));
    assert.equal(ours.answer, theirs.answer);
});

await check('the receipt names the interpreter and the day', () => {
    const receipt = JSON.parse(fs.readFileSync(path.join(saved, 'receipt.json')));
    assert.equal(eventOf(receipt, 'engine.measured').chat_template, 'jinja');
    const day = new Date(receipt.served_at * 1000).toISOString().slice(0, 10);
    assert.equal(eventOf(receipt, 'inference.executed').template_date, day);
    const demo = JSON.parse(fs.readFileSync(path.join(temporary, 'demo/receipt.json')));
    assert.equal('template_date' in eventOf(demo, 'inference.executed'), false);
});

await check('a replay matches, and another day does not', async () => {
    const same = replay(saved);
    assert.deepEqual([same.result, same.reason], ['match', null]);
    const altered = path.join(temporary, 'altered');
    fs.cpSync(saved, altered, { recursive: true });
    const receipt = JSON.parse(fs.readFileSync(path.join(altered, 'receipt.json')));
    eventOf(receipt, 'inference.executed').template_date = '2001-01-01';
    fs.writeFileSync(path.join(altered, 'receipt.json'), JSON.stringify(receipt));
    const other = replay(altered);
    assert.deepEqual([other.result, other.what], ['mismatch', 'prompt']);
});

await check('pml model show names it as the receipt does', async () => {
    assert.equal(JSON.parse(pml('model', 'show', gguf, '--json').stdout).chat_template, 'jinja');
});
