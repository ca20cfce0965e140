// SPDX-License-Identifier: MIT
// What the end-to-end tests in JavaScript share: a real pml-serve in a state directory of its own, exact HTTP exchanges with it,
// and one line a check. Programs come from the build directory $PML_BUILD.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = path.resolve(root, process.env.PML_BUILD ?? 'build-asan');
export const vectors = path.resolve(root, process.env.PML_VECTORS ?? '../shared/vectors');
export const model = path.join(root, 'models/demo.gguf');
export const serveProgram = path.join(build, 'src/cmd/serve/pml-serve');
export const verifierProgram = path.join(build, 'src/cmd/verifier/pml-verifier');
export const pmlProgram = path.join(build, 'src/cmd/pml/pml');

const name = path.basename(process.argv[1]).replace(/\.[a-z]+$/, '');

const running = new Set();

function killServers(except = new Set()) {
    for (const child of running) {
        if (!except.has(child))
            child.kill('SIGKILL');
    }
}
process.on('exit', () => killServers());

// Runs FN; prints "ok - FILE: WHAT" or "not ok" with the reason. A failed check does not stop those that follow; servers
// that it has started are killed.
export async function check(what, fn) {
    const before = new Set(running);
    try {
        await fn();
        console.log(`ok - ${name}: ${what}`);
    } catch (error) {
        console.log(`not ok - ${name}: ${what}`);
        console.log(String(error?.stack ?? error).replace(/^/gm, '# '));
        process.exitCode = 1;
        killServers(before);
    }
}

export const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

export function temporaryDirectory() {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'pml-e2e-'));
}

// A server that is ready. stop() ends it with SIGTERM and gives its exit status.
export class Server {
    // pml-serve on a simulated platform.
    static async start({ args = [], state, gguf = model, listen = '127.0.0.1:0', env = {} } = {}) {
        const server = new Server();
        server.state = state ?? path.join(temporaryDirectory(), 'state');
        server.ownsState = !state;
        await server.run(serveProgram, ['-m', gguf, '--listen', listen, '--state', server.state, '--simulated', ...args], env);
        server.ca = fs.readFileSync(path.join(server.state, 'tls.crt'));
        return server;
    }

    // pml-verifier.
    static async startVerifier(args) {
        const server = new Server();
        await server.run(verifierProgram, ['--listen', '127.0.0.1:0', ...args]);
        return server;
    }

    async run(program, args, env = {}) {
        const server = this;
        server.log = '';
        server.child = spawn(program, ['--ready-fd', '3', ...args],
            { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
        running.add(server.child);
        server.ended = new Promise((resolve) => server.child.on('close', (code, signal) => {
            running.delete(server.child);
            resolve(signal ?? code);
        }));
        server.child.stderr.on('data', (bytes) => { server.log += bytes; });
        let ready = '';
        for await (const bytes of server.child.stdio[3]) {
            ready += bytes;
            if (ready.endsWith('\n'))
                break;
        }
        const match = /^READY (https?:\S+)\n$/.exec(ready);
        if (!match)
            throw new Error(`the server did not start (${await server.ended}):\n${server.log}`);
        server.url = new URL(match[1]);
    }

    async stop(signal = 'SIGTERM') {
        this.child.kill(signal);
        const status = await this.ended;
        if (this.ownsState)
            fs.rmSync(path.dirname(this.state), { recursive: true });
        return status;
    }

    // One exchange: { status, headers, body (exact bytes after removal of the transfer coding), spki (hex SHA-256) }.
    request(method, target, { body, headers = {}, agent } = {}) {
        const bytes = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
        const transport = this.url.protocol === 'https:' ? https : http;
        return new Promise((resolve, reject) => {
            const request = transport.request(new URL(target, this.url), {
                method, agent: agent ?? false, ca: this.ca,
                headers: { ...(bytes === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(bytes) }), ...headers },
            }, (response) => {
                const certificate = response.socket.getPeerX509Certificate?.();
                const spki = certificate && sha256(certificate.publicKey.export({ type: 'spki', format: 'der' }));
                const pieces = [];
                response.on('data', (piece) => pieces.push(piece));
                response.on('error', reject);
                response.on('end', () => resolve({
                    status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces), spki,
                    sent: Buffer.from(bytes ?? ''),
                }));
            });
            request.on('error', reject);
            request.end(bytes);
        });
    }

    get(target, options) {
        return this.request('GET', target, options);
    }

    chat(body, options) {
        return this.request('POST', '/v1/chat/completions', { body, ...options });
    }
}

function runToEnd(program, args) {
    const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20, timeout: 120000 });
    return { status: signal ?? status, stdout, stderr };
}

// Runs `pml ARGS`; { status, stdout, stderr }.
export function pml(...args) {
    return runToEnd(pmlProgram, args);
}

// Runs `pml-serve ARGS` that is to end by itself.
export function serve(...args) {
    return runToEnd(serveProgram, args);
}

// Runs pml with INPUT on its standard input while servers in this process go on.
export function pmlBeside(args, input = '') {
    return new Promise((resolve) => {
        const child = spawn(pmlProgram, args);
        let stdout = '', stderr = '';
        child.stdout.on('data', (bytes) => { stdout += bytes; });
        child.stderr.on('data', (bytes) => { stderr += bytes; });
        child.on('close', (status, signal) => resolve({ status: signal ?? status, stdout, stderr }));
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

// Runs `pml-verifier ARGS` that is to end by itself.
export function runVerifier(...args) {
    return runToEnd(verifierProgram, args);
}
