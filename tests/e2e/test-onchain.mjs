// SPDX-License-Identifier: MIT
// pml verify --onchain against a real EVM, whose contract answers as the real one was recorded to (evm.mjs); nodes and contracts
// that lie, fail or are not there; and pml onchain.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { keccak256 } from 'ethereum-cryptography/keccak.js';
import { Chain, assemble } from './evm.mjs';
import { check, pml, pmlBeside, temporaryDirectory, vectors } from './lib.mjs';

const recordings = path.join(vectors, 'dcap/public/onchain/automata-v1.1-eth_call.json');
if (!fs.existsSync(recordings)) {
    console.log('ok - test-onchain: skipped, there are no vectors');
    process.exit();
}
const { cases } = JSON.parse(fs.readFileSync(recordings));
const dir = temporaryDirectory();
const hex = (text) => Buffer.from(text.replace(/^0x/, ''), 'hex');
const selector = (signature) => Buffer.from(keccak256(Buffer.from(signature)).slice(0, 4));

function word(number) {
    return Buffer.from(BigInt(number).toString(16).padStart(64, '0'), 'hex');
}

function calldataOf(quote) {
    return Buffer.concat([selector('verifyAndAttestOnChain(bytes)'), word(32), word(quote.length), quote, Buffer.alloc((32 - quote.length % 32) % 32)]);
}

// The quote without the zeros behind its signature data.
function trimmed(quote) {
    const version = quote.readUInt16LE(0);
    const body = { 3: 384, 4: quote.readUInt32LE(4) === 0x81 ? 584 : 384, 5: 6 + quote.readUInt32LE(50) }[version];
    const size = body && 48 + body + 4 + quote.readUInt32LE(48 + body);
    return size && size < quote.length && quote.subarray(size).every((byte) => byte === 0) ? quote.subarray(0, size) : quote;
}

for (const entry of cases) {
    entry.bytes = fs.readFileSync(path.join(vectors, 'dcap/public', entry.quote));
    if (entry.mutation)
        entry.bytes[184] ^= 1;
    entry.file = path.join(dir, entry.name);
    fs.writeFileSync(entry.file, entry.bytes);
    entry.data = hex(entry.return_data ?? /revert (0x[0-9a-f]*)$/.exec(entry.error)[1]);
}

// The contract knows each quote with and without its padding.
const address = '0x' + 'c0de'.repeat(10);
const answers = cases.flatMap(({ bytes, block_timestamp: timestamp, data, error }) => {
    const calls = [calldataOf(bytes), calldataOf(trimmed(bytes))];
    return (calls[0].equals(calls[1]) ? calls.slice(1) : calls).map((calldata) => ({ calldata, timestamp, data, reverts: Boolean(error) }));
});
const chain = await Chain.start([[address, assemble(answers)]], 0);

async function verify(file, ...options) {
    const ended = await pmlBeside(['verify', file, '--onchain', chain.url, '--contract', address, '--json', ...options]);
    return { ...ended, said: JSON.parse(ended.stdout) };
}

const statuses = { 0: 'UpToDate', 1: 'SWHardeningNeeded', 4: 'OutOfDate' };

for (const entry of cases) {
    await check(`recorded answer ${entry.name}`, async () => {
        chain.timestamp = entry.block_timestamp;
        const { status, said } = await verify(entry.file, '--accept-status', 'any');
        assert.equal(said.simulated, false);
        if (entry.decoded) {
            assert.equal(status, 0, JSON.stringify(said.error));
            assert.equal(said.ok && said.accepted, true);
            assert.equal(said.status, statuses[entry.decoded.tcbStatus]);
            assert.equal(said.fmspc, entry.decoded.fmspc);
            assert.equal(said.quote_version, entry.decoded.quoteVersion);
            assert.deepEqual(said.advisory_ids, entry.decoded.advisoryIDs);
            for (const member of ['platform_status', 'qe_status', 'tdx_module_status', 'tcb_eval_num', 'tcb_date', 'earliest_expiration'])
                assert.equal(said[member], null);
        } else {
            assert.equal(status, 1);
            assert.equal(said.ok, false);
            assert.equal(said.error.code, 'onchain_rejected');
            if (entry.code)
                assert.ok(said.error.message.endsWith(entry.code), said.error.message);
        }
    });
}

await check('pml onchain calldata prints what the recorded calls began with, and the EVM takes it', async () => {
    for (const entry of cases.filter(({ calldata_prefix: prefix }) => prefix)) {
        const whole = pml('onchain', 'calldata', entry.file, '--keep-padding'), short = pml('onchain', 'calldata', entry.file);
        assert.equal(whole.status, 0, whole.stderr);
        const calldata = whole.stdout.trim();
        assert.ok(calldata.startsWith(entry.calldata_prefix));
        assert.equal(calldata.length, 2 + 2 * entry.calldata_length);
        assert.deepEqual(hex(short.stdout.trim()), calldataOf(trimmed(entry.bytes)));
        chain.timestamp = entry.block_timestamp;
        for (const data of [calldata, short.stdout.trim()])
            assert.equal((await chain.call({ to: address, data })).data, entry.return_data);
    }
    const hexFile = path.join(dir, 'hex');
    fs.writeFileSync(hexFile, `0x${cases[0].bytes.toString('hex')}\n`);
    assert.equal(pml('onchain', 'calldata', hexFile).stdout, pml('onchain', 'calldata', cases[0].file).stdout);
});

const good = cases.find(({ name }) => name === 'v4-8000');

await check('the policy is applied to what the contract says', async () => {
    chain.timestamp = good.block_timestamp;
    for (const [options, code] of [
        [[], 'status_not_accepted'], [['--accept-status', 'OutOfDate', '--report-data', 'ff'.repeat(64)], 'policy_report_data'],
        [['--accept-status', 'any', '--min-tcb-eval-num', '1'], 'policy_min_tcb_eval_num'],
        [['--accept-status', 'any', '--allow-td-attributes', '0000000000000000'], 'td_attributes_reserved'],
    ]) {
        const { status, said } = await verify(good.file, ...options);
        assert.equal(status, 1, JSON.stringify([options, said]));
        assert.equal(said.error.code, code);
    }
    const text = await pmlBeside(['verify', good.file, '--onchain', chain.url, '--contract', address, '--accept-status', 'any', '--verbose']);
    assert.equal(text.status, 0);
    assert.match(text.stdout, /^accepted: genuine TDX quote, status OutOfDate, advisories INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986\n$/);
    assert.match(text.stderr, /eth_call .* 1056 bytes returned/);
});

await check('success that is about another quote is no success', async () => {
    const other = cases.find(({ name }) => name === 'v3-sgx');
    const swapped = '0x' + 'beef'.repeat(10);
    const liar = await Chain.start([[swapped, assemble([{ calldata: calldataOf(trimmed(good.bytes)), timestamp: 1, data: other.data, reverts: false }])]], 1);
    const ended = await pmlBeside(['verify', good.file, '--onchain', liar.url, '--contract', swapped, '--accept-status', 'any', '--json']);
    assert.equal(ended.status, 1);
    assert.equal(JSON.parse(ended.stdout).error.code, 'onchain_mismatch');
    liar.stop();
});

await check('every error of the contracts is named', async () => {
    const errors = ['Insufficient_Funds()', 'BP_Not_Valid()', 'Withdrawal_Failed()', 'TcbEvalExpiredOrNotFound(uint8)',
        'QEIdentityExpiredOrNotFound(uint8,uint256)', 'FmspcTcbExpiredOrNotFound(uint8,uint256)', 'CertExpiredOrNotFound(uint8)',
        'CrlExpiredOrNotFound(uint8)', 'Forbidden()'];
    const calldata = calldataOf(trimmed(good.bytes));
    const text = Buffer.from('out of order');
    const failing = await Chain.start([[address, assemble([
        ...errors.map((error, i) => ({ calldata, timestamp: i, data: Buffer.concat([selector(error), word(1), word(2)]), reverts: true })),
        { calldata, timestamp: 100, data: Buffer.concat([selector('Error(string)'), word(32), word(text.length), text, Buffer.alloc(20)]), reverts: true },
        { calldata, timestamp: 101, data: Buffer.from('12345678', 'hex'), reverts: true },
    ])]], 0);
    for (const [timestamp, wanted] of [...errors.map((error, i) => [i, error.replace(/\(.*/, '')]), [100, 'out of order'], [101, '0x12345678'], [102, 'without a reason']]) {
        failing.timestamp = timestamp;
        const ended = await pmlBeside(['verify', good.file, '--onchain', failing.url, '--contract', address, '--json']);
        const { error } = JSON.parse(ended.stdout);
        assert.equal(ended.status, 1);
        assert.equal(error.code, 'onchain_rejected');
        assert.ok(error.message.includes(wanted), `${wanted}: ${error.message}`);
    }
    failing.stop();
});

await check('what cannot be asked is no rejection', async () => {
    chain.timestamp = good.block_timestamp;
    const send = (body, status = 200) => (response) => { response.statusCode = status; response.end(body); };
    for (const spoil of [
        send(JSON.stringify({ id: 1, error: { code: -32005, message: 'too many requests' } })), send('<html>', 502), send(''), send('{}'),
        send(JSON.stringify({ id: 1, result: '0x1' })), send(JSON.stringify({ id: 1, result: '0x' + '00'.repeat(64) })),
        send('x'.repeat(2 << 20)), (response) => response.destroy(),
    ]) {
        chain.spoil = spoil;
        const { status, said } = await verify(good.file);
        assert.equal(status, 3);
        assert.equal(said.ok, false);
        assert.equal(said.error.code, 'onchain_unavailable');
    }
    chain.spoil = null;
    const nobody = await pmlBeside(['verify', good.file, '--onchain', chain.url, '--contract', '0x' + '11'.repeat(20), '--json']);
    assert.equal(nobody.status, 3);
    assert.match(JSON.parse(nobody.stdout).error.message, /no contract at this address/);
    const closed = await pmlBeside(['verify', good.file, '--onchain', 'http://127.0.0.1:1', '--contract', address, '--json']);
    assert.equal(closed.status, 3);
    assert.equal(JSON.parse(closed.stdout).error.code, 'onchain_unavailable');
});

await check('the address comes from the command line or a file', async () => {
    chain.timestamp = good.block_timestamp;
    const file = path.join(dir, 'address');
    fs.writeFileSync(file, `\n${address}\n`);
    const named = await pmlBeside(['verify', good.file, '--onchain', chain.url, '--contract-file', file, '--accept-status', 'any']);
    assert.equal(named.status, 0, named.stdout);
    fs.writeFileSync(file, 'none');
    const unreadable = await pmlBeside(['verify', good.file, '--onchain', chain.url, '--contract-file', file, '--json']);
    assert.equal(unreadable.status, 2);
});

await check('options that a contract has no use for are refused', async () => {
    const calls = chain.calls;
    const policy = path.join(dir, 'policy.json');
    fs.writeFileSync(policy, '{"compat":"dcap-qvl"}');
    const base = ['verify', good.file, '--onchain', chain.url];
    for (const options of [
        [], ['--contract', 'x'], ['--contract', address, '--contract-file', policy], ['--contract', address, '--collateral', policy],
        ['--contract', address, '--offline'], ['--contract', address, '--pccs', 'https://127.0.0.1'], ['--contract', address, '--policy', policy],
        ['--contract', address, '--root', path.join(vectors, 'dcap/public/roots', fs.readdirSync(path.join(vectors, 'dcap/public/roots'))[0])],
    ]) {
        const ended = await pmlBeside([...base, ...options]);
        assert.equal(ended.status, 2, options.join(' ') + ended.stdout);
    }
    assert.equal(pml('verify', good.file, '--contract', address).status, 2);
    assert.equal(pml('verify', good.file, '--onchain', 'http://example.org', '--contract', address).status, 2);
    assert.equal(pml('onchain').status, 2);
    assert.equal(pml('onchain', 'calldata', path.join(dir, 'none')).status, 3);
    assert.equal(chain.calls, calls);
});

chain.stop();
fs.rmSync(dir, { recursive: true });
