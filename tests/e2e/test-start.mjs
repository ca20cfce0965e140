// SPDX-License-Identifier: MIT
// What pml-serve refuses to start with: models, addresses and state directories. Each refusal is one line and the exit status of
// its kind, leaves what it found as it was, and is over once the reason is.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { check, model, serve, Server, serveProgram, temporaryDirectory } from './lib.mjs';

const temporary = temporaryDirectory();
const at = (...names) => path.join(temporary, ...names);
const isRoot = process.getuid() === 0;

function assertRefused({ status, stdout, stderr }, wanted, text) {
    assert.equal(status, wanted, stderr);
    assert.match(stderr, /^pml serve: [^\n]+\n$/, 'one line of error');
    assert.ok(stderr.includes(text), `${stderr} does not say: ${text}`);
    assert.equal(stdout, '');
}

const start = (state, { gguf = model, listen = '127.0.0.1:0', more = [] } = {}) =>
    serve('-m', gguf, '--listen', listen, '--state', state, '--simulated', ...more);

async function assertServes(state) {
    const server = await Server.start({ state });
    const answer = await server.chat({ messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 2 });
    assert.equal(answer.status, 200, server.log);
    assert.equal((await server.get(`/v1/aci/receipts/${answer.headers['x-receipt-id']}`)).status, 200);
    assert.equal(await server.stop(), 0, server.log);
}

// --- models ---

const good = fs.readFileSync(model);

// A copy of the model in which the value of KEY, of four bytes, is another.
function withValue(key, value) {
    const bytes = Buffer.from(good);
    const length = Buffer.alloc(8);
    length.writeUInt32LE(key.length);
    const found = bytes.indexOf(Buffer.concat([length, Buffer.from(key)]));
    assert.ok(found > 0, key);
    bytes.writeUInt32LE(value, found + 8 + key.length + 4);
    return bytes;
}

function withBytes(offset, hex) {
    const bytes = Buffer.from(good);
    Buffer.from(hex, 'hex').copy(bytes, offset);
    return bytes;
}

function withText(from, to) {
    const bytes = Buffer.from(good);
    const found = bytes.indexOf(from);
    assert.ok(found > 0 && from.length === to.length, from);
    bytes.write(to, found);
    return bytes;
}

const models = [
    ['an empty file', Buffer.alloc(0), 'the file ends too early'],
    ['ten bytes of a model', good.subarray(0, 10), 'the file ends too early'],
    ['a model cut in its metadata', good.subarray(0, 20000), 'key tokenizer.ggml.merges: the file ends too early'],
    ['a model cut in its tensors', good.subarray(0, good.length >> 1), 'reaches beyond the end of the file'],
    ['a model without its last byte', good.subarray(0, good.length - 1), 'reaches beyond the end of the file'],
    ['a file that is no model', fs.readFileSync(process.argv[1]), 'not a GGUF file'],
    ['a model of version 99', withBytes(4, '63000000'), 'version 99; 2 and 3 are read'],
    ['more tensors than memory', withBytes(8, 'ffffffffffffff7f'), '9223372036854775807 tensors and 28 keys; 65536 of each are allowed'],
    ['more keys than memory', withBytes(16, 'ffffffffffffff7f'), '9223372036854775807 keys; 65536 of each are allowed'],
    ['a key as long as memory', withBytes(24, 'ffffffffffffff7f'), 'key name: string of 9223372036854775807 bytes'],
    ['no blocks', withValue('llama.block_count', 0), 'key block_count: 0 is not between'],
    ['more blocks than there are', withValue('llama.block_count', 0xffffffff), 'key block_count: 4294967295 is not between'],
    ['no heads', withValue('llama.attention.head_count', 0), 'key attention.head_count: 0 is not between'],
    ['a width that its tensors do not have', withValue('llama.embedding_length', 1 << 30), 'key embedding_length: 1073741824 is not between'],
    ['no context', withValue('llama.context_length', 0), 'key context_length: 0 is not between'],
    ['an epsilon that is no number', withValue('llama.attention.layer_norm_rms_epsilon', 0x7fc00000), 'rms_epsilon is not finite'],
    ['another architecture', withText('llama', 'lxama'), 'architecture lxama is not supported'],
    ['no tokens', withText('tokenizer.ggml.tokens', 'tokenizer.ggml.tokenz'), 'tokenizer: key tokenizer.ggml.tokens is missing'],
    ['no tensor of that name', withText('output_norm.weight', 'output_nerm.weight'), 'tensor output_norm.weight is missing'],
];

for (const [what, bytes, text] of models) {
    await check(`model refused: ${what}`, () => {
        fs.writeFileSync(at('model.gguf'), bytes);
        assertRefused(start(at('models'), { gguf: at('model.gguf') }), 1, text);
    });
}

await check('model refused: another than the pinned one', () => {
    assertRefused(start(at('models'), { more: ['--model-digest', 'sha256:' + '0'.repeat(64)] }), 1, 'sha256:');
});
execFileSync('mkfifo', [at('pipe')]);
const paths = [
    ['of nothing', at('none.gguf'), 'none.gguf: No such file or directory'],
    ['of a directory', temporary, 'not a regular file'],
    ['of a pipe that nobody writes', at('pipe'), 'not a regular file'],
    ['of a device', '/dev/zero', 'not a regular file'],
];
for (const [what, gguf, text] of paths)
    await check(`model path ${what}`, () => assertRefused(start(at('models'), { gguf }), 3, text));
await check('refused models leave a directory that serves', () => assertServes(at('models')));

// --- addresses and directories that others have ---

const state = at('state');
const server = await Server.start({ state });
const foreign = net.createServer((socket) => socket.destroy());
await new Promise((resolve) => foreign.listen(0, '127.0.0.1', resolve));

await check('an address in use, by a server and by a stranger', () => {
    for (const listen of [server.url.host, `127.0.0.1:${foreign.address().port}`])
        assertRefused(start(at('second'), { listen }), 3, `another process listens on ${listen}`);
});
await check('an address that is not of this machine', () => {
    assertRefused(start(at('second'), { listen: '192.0.2.1:8443', more: ['--allow-anonymous'] }), 3, '192.0.2.1:8443: ');
});
await check('which leave a directory that serves', () => assertServes(at('second')));
await check('a state directory in use', () => {
    assertRefused(start(state), 3, `is held by process ${server.child.pid}`);
});
await check('whose server goes on', async () => assert.equal((await server.get('/health')).status, 200));
foreign.close();
await server.stop();

for (const mode of [0o755, 0o750, 0o701, 0o777]) {
    await check(`a state directory of mode ${mode.toString(8)}`, () => {
        fs.chmodSync(state, mode);
        assertRefused(start(state), 3, `${state} is accessible to others (mode ${mode.toString(8)})`);
        assert.equal(fs.statSync(state).mode & 0o777, mode);
        fs.chmodSync(state, 0o700);
    });
}
await check('a state directory of another user', () => {
    const other = isRoot ? state : '/';
    if (isRoot)
        fs.chownSync(state, 65534, 65534);
    assertRefused(start(other), 3, `${other} belongs to another user`);
    if (isRoot)
        fs.chownSync(state, 0, 0);
});
await check('a state directory that is a file, or below one', () => {
    fs.writeFileSync(at('file'), '');
    assertRefused(start(at('file')), 3, 'file is not a directory');
    assertRefused(start(at('file', 'below')), 3, 'Not a directory');
});

// --- damage ---

const digest = (file) => crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const listing = (dir) => fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory()
    ? listing(path.join(dir, entry.name)) : [[path.join(dir, entry.name), digest(path.join(dir, entry.name))]]));

// The state directory with CHANGE applied is refused with a message that has TEXT, and is not touched by that.
function assertDamageRefused(change, text) {
    const copy = at('damaged');
    fs.rmSync(copy, { recursive: true, force: true });
    execFileSync('cp', ['-a', state, copy]);
    change(copy);
    const before = listing(copy).filter(([file]) => !/\/(lock|store\.db(-wal|-shm)?)$/.test(file));
    assertRefused(start(copy), 3, text);
    assert.deepEqual(listing(copy).filter(([file]) => !/\/(lock|store\.db(-wal|-shm)?)$/.test(file)), before);
}

const other = at('other');
await (await Server.start({ state: other })).stop();
const files = ['sim', 'keys'].flatMap((dir) => fs.readdirSync(path.join(state, dir)).map((name) => path.join(dir, name)));
const damages = [
    ['missing', (file) => fs.rmSync(file)],
    ['cut', (file) => fs.truncateSync(file, fs.statSync(file).size >> 1)],
    ['of another machine', (file, name) => fs.copyFileSync(path.join(other, name), file)],
];
for (const name of files.filter((file) => file !== 'sim/lock')) {
    await check(`${name} that is missing, cut or another machine's`, () => {
        for (const [what, damage] of damages) {
            if (what === 'of another machine' && name === 'sim/attestation.key')
                continue; // nothing else is bound to it
            const named = what === 'of another machine' && name.startsWith('keys/') ? 'keyset.json' : path.basename(name).replace('.key', '.');
            assertDamageRefused((dir) => damage(path.join(dir, name), name), named);
        }
        if (name.endsWith('.key'))
            assertDamageRefused((dir) => fs.chmodSync(path.join(dir, name), 0o644), 'accessible to others');
    });
}
await check('sim/ that is open to others', () => assertDamageRefused((dir) => fs.chmodSync(path.join(dir, 'sim'), 0o755), 'accessible'));

// A store with COUNT receipts in it, closed.
const receipts = [];
{
    const filling = await Server.start({ state });
    for (let i = 0; i < 40; i++)
        receipts.push((await filling.chat({ messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 1 })).headers['x-receipt-id']);
    await filling.stop();
}
const storeDamages = [
    ['no database', (file) => fs.writeFileSync(file, 'plums'.repeat(2000))],
    ['cut', (file) => fs.truncateSync(file, 10000)],
    ['a database of another program', (file) => {
        const bytes = fs.readFileSync(file);
        bytes.writeUInt32BE(77, 60); // user_version
        fs.writeFileSync(file, bytes);
    }],
    ['a directory', (file) => { fs.rmSync(file); fs.mkdirSync(file); }],
    ['overwritten in the middle', (file) => {
        const bytes = fs.readFileSync(file);
        bytes.fill(0xa5, 8192, 40000);
        fs.writeFileSync(file, bytes);
    }],
];
for (const [what, damage] of storeDamages) {
    await check(`store.db that is ${what}`, () => assertDamageRefused((dir) => damage(path.join(dir, 'store.db')), 'store.db'));
}

await check('tls.crt, which is public, is made again from the key', async () => {
    const before = fs.readFileSync(path.join(state, 'keys/keyset.json'));
    fs.writeFileSync(path.join(state, 'tls.crt'), 'plums');
    await assertServes(state);
    assert.deepEqual(fs.readFileSync(path.join(state, 'keys/keyset.json')), before);
});

// --- no room ---

await check('files that may not grow, and no room left in a new directory', async () => {
    const seen = new Set();
    for (const bytes of [0, 100, 3000, 20000]) {
        const result = spawnSync('prlimit', [`--fsize=${bytes}`, serveProgram, '-m', model, '--listen', '127.0.0.1:0', '--state', at('small'),
            '--simulated'], { encoding: 'utf8', timeout: 120000 });
        assertRefused(result, 3, result.stderr.includes('store.db') ? 'disk I/O error' : 'File too large');
        seen.add(result.stderr);
    }
    assert.ok(seen.size > 1, 'not all at the same file');
    await assertServes(at('small'));
});

fs.rmSync(temporary, { recursive: true });
