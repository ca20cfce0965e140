// SPDX-License-Identifier: MIT
// Chat templates rendered by the engine's interpreter and by the npm package @huggingface/jinja: the same text for every conversation,
// with tools and without, as far as both render it. The templates are those of tests/data/templates and those listed there in
// outside.txt, which are tested where they are, each under its SHA-256 and ".jinja": in $PML_TEMPLATES, else in templates/ of
// $PML_VECTORS, else in ../shared/vectors/templates.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Template } from '@huggingface/jinja';
import { build, check, root, sha256 as digest } from './lib.mjs';

const day = '2024-07-26';
const renderer = path.join(build, 'tests/tools/render_template');
const data = path.join(root, 'tests/data/templates');
const outside = process.env.PML_TEMPLATES ?? path.join(process.env.PML_VECTORS ?? path.join(root, '../shared/vectors'), 'templates');
const tools = JSON.parse(fs.readFileSync(path.join(data, 'tools.json')));
const conversations = JSON.parse(fs.readFileSync(path.join(data, 'conversations.json')));

// strftime_now of the package reads the clock; the engine's is given a day.
process.env.TZ = 'UTC';
const RealDate = Date;
globalThis.Date = class extends RealDate {
    constructor(...args) {
        super(...(args.length ? args : [`${day}T00:00:00Z`]));
    }
};

function renderOurs(file, variables) {
    const { stdout, status, signal } = spawnSync(renderer, [file], { input: JSON.stringify({ ...variables, date: day }) });
    assert.equal(signal, null, `${file}: ended by ${signal}`);
    const result = JSON.parse(stdout);
    assert.equal(status, result.error === undefined ? 0 : 1);
    return result;
}

function renderTheirs(file, variables) {
    try {
        return { text: new Template(fs.readFileSync(file, 'utf8')).render(variables) };
    } catch (error) {
        return { error: error.message };
    }
}

// What people and tools wrote is marked 0 wherever it appears; the mark is what keeps it from being a control token.
function assertMarked({ text, mask }, content) {
    const bytes = Buffer.from(text), wanted = Buffer.from(content);
    assert.equal(mask.length, bytes.length);
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1))
        assert.match(mask.slice(at, at + wanted.length), /^0+$/, content);
}

// Where the package is not Jinja2: it refuses loops over what is undefined; it adds strings and mappings, takes elements of what is
// undefined, and prints lists as JSON.
const differs = (ours, theirs) => theirs.text === undefined ||
    /: this cannot be done with |: an element of something undefined/.test(ours.error) || ours.text?.includes("[{'type': ");

// Returns how many conversations the template rendered.
function compare(file) {
    let rendered = 0;
    for (const [name, conversation] of Object.entries(conversations)) {
        const variables = { ...conversation, bos_token: '<s>', eos_token: '</s>' };
        if (variables.tools === '@')
            variables.tools = tools;
        const ours = renderOurs(file, variables), theirs = renderTheirs(file, variables);
        if (differs(ours, theirs))
            continue;
        assert.equal(ours.text, theirs.text, `${name}: ${ours.error ?? ''}`);
        rendered++;
        for (const { content } of conversation.messages) {
            if (typeof content === 'string' && content.length > 8 && !content.includes('<think>')) // templates write that again
                assertMarked(ours, content.trim());
        }
    }
    return rendered;
}

const own = fs.readdirSync(data).filter((name) => name.endsWith('.jinja')).sort();
await check('there are templates', () => assert(own.length >= 12));
for (const name of own)
    await check(`template ${name}`, () => assert(compare(path.join(data, name)) >= 4));

let absent = 0;
for (const line of fs.readFileSync(path.join(data, 'outside.txt'), 'utf8').split('\n')) {
    if (!line || line.startsWith('#'))
        continue;
    const [sha256, name] = line.split(/\s+/);
    const file = path.join(outside, `${sha256}.jinja`);
    if (!fs.existsSync(file)) {
        absent++;
        continue;
    }
    await check(`outside template ${name}`, () => {
        assert.equal(digest(fs.readFileSync(file)), sha256);
        assert(compare(file) >= 1);
    });
}
if (absent)
    console.log(`# ${absent} outside templates are not in ${outside}: skipped`);
