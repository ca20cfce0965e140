// SPDX-License-Identifier: MIT
// The npm package @phala/dcap-qvl at the work of bench/verify.c: parses the bundle and verifies the quote with Intel's root,
// over and over. Prints verifications per second of CPU time. usage: peer_dcap_qvl.mjs NODE_MODULES QUOTE COLLATERAL UNIX_TIME
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [modules, quoteFile, bundleFile, time] = process.argv.slice(2);
const { QuoteVerifier } = createRequire(`${fs.realpathSync(modules)}/`)('@phala/dcap-qvl');
const quote = fs.readFileSync(quoteFile);
const bundle = fs.readFileSync(bundleFile, 'utf8');
const verifier = QuoteVerifier.newProd();

function rate(seconds) {
    const start = process.cpuUsage();
    for (let count = 1; ; count++) {
        verifier.verify(quote, JSON.parse(bundle), Number(time));
        const { user, system } = process.cpuUsage(start);
        if (user + system > seconds * 1e6) return count / ((user + system) / 1e6);
    }
}

rate(0.5); // compilation
console.log(rate(1));
