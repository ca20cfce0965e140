// SPDX-License-Identifier: MIT
// kill -9 under load, 50 rounds ($PML_KILL_ROUNDS for another number): each receipt whose response a client had seen to its end is
// there after the restart and verifies, and the directory starts again however it was left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import * as aci from './aci.mjs';
import { check, model as gguf, Server, serveProgram, temporaryDirectory } from './lib.mjs';

const rounds = Number(process.env.PML_KILL_ROUNDS ?? 50);
const clients = 6;
const temporary = temporaryDirectory();
const state = path.join(temporary, 'state');

// One answer, or null if it did not come to its end. A stream has when [DONE] is there, whatever became of the connection.
function ask(server, agent, stream, seed) {
    const sent = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'Tell me a story.' }], max_tokens: 1 + seed % 8, stream, seed }));
    return new Promise((resolve) => {
        const pieces = [];
        const request = https.request(new URL('/v1/chat/completions', server.url), { method: 'POST', ca: server.ca, agent,
            headers: { 'Content-Length': sent.length } }, (response) => {
            response.on('data', (piece) => pieces.push(piece));
            response.on('error', () => {});
            response.on('close', () => {
                const body = Buffer.concat(pieces);
                const whole = stream ? body.toString().endsWith('data: [DONE]\n\n') : response.complete;
                resolve(whole ? { status: response.statusCode, receiptId: response.headers['x-receipt-id'], sent, body } : null);
            });
        });
        request.on('error', () => resolve(null));
        request.end(sent);
    });
}

// Load until WANTED answers have come, then the signal while the others are under way. Gives all answers that came to their end.
async function killUnderLoad(server, wanted, round) {
    const agent = new https.Agent({ keepAlive: true });
    const ended = [];
    let killed = false;
    await Promise.all(Array.from({ length: clients }, async (_, client) => {
        for (let i = 0; !killed; i++) {
            const answer = await ask(server, agent, (client + i) % 2 === 0, 1000 * round + 100 * client + i);
            if (!answer)
                return;
            ended.push(answer);
            if (ended.length >= wanted && !killed) {
                killed = true;
                server.child.kill('SIGKILL');
            }
        }
    }));
    assert.equal(await server.ended, 'SIGKILL');
    agent.destroy();
    return ended;
}

async function checkReceipts(server, report, answers) {
    const agent = new https.Agent({ keepAlive: true });
    for (const answer of answers) {
        assert.equal(answer.status, 200, answer.body.toString());
        const found = await server.get(`/v1/aci/receipts/${answer.receiptId}`, { agent });
        assert.equal(found.status, 200, `${answer.receiptId} is lost: ${found.body}`);
        aci.checkReceipt(JSON.parse(found.body), report, { ...answer, model: null });
    }
    agent.destroy();
}

await check('a start that is killed at any moment leaves a directory that starts', async () => {
    for (let i = 0; i < 12; i++) {
        const child = spawn(serveProgram, ['-m', gguf, '--listen', '127.0.0.1:0', '--state', path.join(temporary, `start-${i % 3}`),
            '--simulated'], { stdio: 'ignore' });
        const ended = new Promise((resolve) => child.on('close', resolve));
        await new Promise((resolve) => setTimeout(resolve, 40 * i));
        child.kill('SIGKILL');
        await ended;
    }
    for (let i = 0; i < 3; i++) {
        const server = await Server.start({ state: path.join(temporary, `start-${i}`) });
        assert.equal((await server.get('/health')).status, 200);
        assert.equal(await server.stop(), 0, server.log);
    }
});

await check(`${rounds} rounds of kill -9 lose no receipt of an answer that had ended`, async () => {
    const all = [];
    let server = await Server.start({ state });
    const report = JSON.parse((await server.get('/v1/aci/attestation')).body);
    for (let round = 0; round < rounds; round++) {
        const ended = await killUnderLoad(server, 3 + round * 7 % 13, round);
        server = await Server.start({ state });
        await checkReceipts(server, report, ended);
        all.push(...ended);
    }
    await checkReceipts(server, report, all);
    console.log(`# ${all.length} receipts after ${rounds} rounds`);
    assert.equal(await server.stop(), 0, server.log);
});
fs.rmSync(temporary, { recursive: true });
