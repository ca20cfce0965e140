// SPDX-License-Identifier: MIT
// An ACI checker that shares no code with the SDK: a JCS package from npm, Node's crypto, and the layouts of the specifications.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import canonicalize from 'canonicalize';
import { sha256 } from './lib.mjs';

const sha384 = (...parts) => crypto.createHash('sha384').update(Buffer.concat(parts)).digest();
export const jcsDigest = (value) => sha256(Buffer.from(canonicalize(value), 'utf8'));

// TDX quote version 4 with a TD 1.0 body: a header of 48 bytes, then the body (Intel TDX DCAP Quoting Library API, appendix A.3).
export function parseQuote(hex) {
    assert.match(hex, /^[0-9a-f]+$/);
    const quote = Buffer.from(hex, 'hex');
    assert.equal(quote.readUInt16LE(0), 4);
    assert.equal(quote.readUInt32LE(4), 0x81);
    const body = quote.subarray(48, 48 + 584);
    const field = (offset, size) => body.subarray(offset, offset + size);
    return {
        mrTd: field(136, 48), mrConfigId: field(184, 48), reportData: field(520, 64),
        rtmrs: [0, 1, 2, 3].map((i) => field(328 + 48 * i, 48)),
    };
}

export function checkKeyset(report) {
    const keyset = report.attestation.workload_keyset;
    assert.equal(report.workload_keyset_digest, 'sha256:' + jcsDigest(keyset));
    const now = Date.now() / 1000;
    assert.ok(keyset.not_after > now && keyset.not_after <= now + 400 * 86400);
}

export function checkStatement(report, nonce) {
    const statement = `{"keyset_digest":"${report.workload_keyset_digest}","nonce":${nonce ? `"${nonce}"` : 'null'},` +
        '"purpose":"aci.report_data.v1"}';
    assert.equal(report.attestation.report_data, sha256(statement));
    const { quote, quote_report_data: copy } = report.attestation.evidence;
    const slot = parseQuote(quote).reportData.toString('hex');
    assert.equal(slot, report.attestation.report_data + '00'.repeat(32));
    if (copy !== undefined)
        assert.equal(copy, slot);
}

export function checkTlsKey(report, spki, host) {
    const keys = report.attestation.workload_keyset.tls_public_keys;
    assert.ok(keys.some((key) => key.spki_sha256 === spki && (key.domain === undefined || key.domain === host)));
}

const runtimeEvent = 0x08000001;

// Replays every register that the log has events for; returns the events of RTMR3.
export function checkEventLog(report) {
    const { event_log: text, quote, app_compose: compose } = report.attestation.evidence;
    assert.equal(typeof text, 'string');
    const log = JSON.parse(text);
    const { rtmrs, mrConfigId } = parseQuote(quote);
    const registers = [0, 1, 2, 3].map(() => Buffer.alloc(48));
    const seen = new Set([3]);
    for (const event of log) {
        const payload = Buffer.from(event.event_payload, 'hex');
        let digest = Buffer.from(event.digest, 'hex');
        if (event.event_type === runtimeEvent) {
            const type = Buffer.alloc(4);
            type.writeUInt32LE(event.event_type);
            const own = sha384(type, Buffer.from(':'), Buffer.from(event.event), Buffer.from(':'), payload);
            if (digest.length)
                assert.deepEqual(digest, own);
            digest = own;
        }
        registers[event.imr] = sha384(registers[event.imr], digest);
        seen.add(event.imr);
    }
    for (const imr of seen)
        assert.deepEqual(registers[imr], rtmrs[imr], `RTMR${imr}`);
    const runtime = log.filter((event) => event.imr === 3);
    const ready = runtime.findIndex((event) => event.event === 'system-ready');
    const composeEvents = runtime.slice(0, ready).filter((event) => event.event === 'compose-hash');
    assert.equal(composeEvents.length, 1);
    assert.equal(composeEvents[0].event_payload, sha256(Buffer.from(compose, 'utf8')));
    assert.equal(mrConfigId.toString('hex'), '01' + sha256(Buffer.from(compose, 'utf8')) + '00'.repeat(15));
    return runtime;
}

// The descriptors in evidence.pml are those whose digests were extended into RTMR3, no more and no fewer.
export function checkMeasured(report) {
    const { models, engine } = report.attestation.evidence.pml;
    const payloads = (name) => checkEventLog(report).filter((event) => event.event === name).map((event) => event.event_payload);
    const digest = (type, value) => jcsDigest(value.type ? Object.fromEntries(Object.entries(value).filter(([k]) => k !== 'type')) : value);
    assert.deepEqual(payloads('model-measured').sort(), models.map((model) => digest('model', model)).sort());
    assert.deepEqual(payloads('engine-measured'), [digest('engine', engine)]);
}

// Whether a key of the keyset signed the receipt.
export function signatureIsGood(receipt, keyset) {
    const { signature, ...signed } = receipt;
    const key = keyset.receipt_signing_keys.find((candidate) => candidate.key_id === receipt.key_id && candidate.algo === 'ed25519');
    if (!key || !/^[0-9a-f]{128}$/.test(signature))
        return false;
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key.public_key, 'hex')]);
    const publicKey = crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return crypto.verify(null, Buffer.from(canonicalize(signed), 'utf8'), publicKey, Buffer.from(signature, 'hex'));
}

// That RECEIPT is this service's word about these exact bytes.
export function checkReceipt(receipt, report, { sent, body, model }) {
    assert.equal(receipt.api_version, 'aci/1');
    assert.match(receipt.receipt_id, /^rcpt-[0-9a-f]{24}$/);
    assert.equal(receipt.workload_keyset_digest, report.workload_keyset_digest);
    assert.ok(signatureIsGood(receipt, report.attestation.workload_keyset), 'signature');
    assert.equal(receipt.endpoint, '/v1/chat/completions');
    assert.equal(receipt.method, 'POST');
    assert.equal(receipt.model, model);
    const events = Object.fromEntries(receipt.event_log.map((event) => [event.type, event]));
    assert.equal(receipt.event_log[0].type, 'request.received');
    assert.equal(receipt.event_log.at(-1).type, 'response.returned');
    assert.ok(!('upstream.verified' in events));
    assert.equal(events['request.received'].body_hash, 'sha256:' + sha256(sent));
    assert.equal(events['response.returned'].body_hash, 'sha256:' + sha256(body));
    return events;
}
