// SPDX-License-Identifier: MIT
// A chain of one contract: a real EVM (@ethereumjs/evm) behind JSON-RPC on this machine. The contract is ours. It answers the
// calls that it knows with the data that the real contract was recorded to return at that block's time, or reverts with it, and
// reverts without data on any other call.
import http from 'node:http';
import { Chain as Network, Common, Hardfork } from '@ethereumjs/common';
import { EVM } from '@ethereumjs/evm';
import { DefaultStateManager } from '@ethereumjs/statemanager';
import { Address, hexToBytes, bytesToHex } from '@ethereumjs/util';
import { keccak256 } from 'ethereum-cryptography/keccak.js';

const opcode = {
    EQ: 0x14, KECCAK256: 0x20, CALLDATASIZE: 0x36, CALLDATACOPY: 0x37, CODECOPY: 0x39, TIMESTAMP: 0x42, MSTORE: 0x52, JUMPI: 0x57,
    JUMPDEST: 0x5b, PUSH0: 0x5f, PUSH2: 0x61, PUSH32: 0x7f, DUP1: 0x80, DUP2: 0x81, ADD: 0x01, RETURN: 0xf3, REVERT: 0xfd,
};

function word(number) {
    const bytes = Buffer.alloc(32);
    bytes.writeBigUInt64BE(BigInt(number), 24);
    return bytes;
}

// Assembles the contract. ANSWERS: [{ calldata, timestamp, data, reverts }], bytes and seconds.
export function assemble(answers) {
    const code = [];
    const emit = (...bytes) => code.push(...bytes);
    const push2 = (number) => emit(opcode.PUSH2, number >> 8, number & 255);

    // memory = calldata || uint256(timestamp); the stack then holds its hash
    emit(opcode.CALLDATASIZE, opcode.PUSH0, opcode.PUSH0, opcode.CALLDATACOPY);
    emit(opcode.TIMESTAMP, opcode.CALLDATASIZE, opcode.MSTORE);
    push2(32);
    emit(opcode.CALLDATASIZE, opcode.ADD, opcode.PUSH0, opcode.KECCAK256);

    // if (hash == known) goto its answer
    const jumps = [];
    for (const { calldata, timestamp } of answers) {
        emit(opcode.DUP1, opcode.PUSH32, ...keccak256(Buffer.concat([calldata, word(timestamp)])), opcode.EQ);
        jumps.push(code.length + 1);
        push2(0);
        emit(opcode.JUMPI);
    }

    // revert with nothing
    emit(opcode.PUSH0, opcode.PUSH0, opcode.REVERT);

    // copy the data from behind the code to memory and return it, or revert with it
    const copies = [];
    answers.forEach(({ data, reverts }, i) => {
        code[jumps[i]] = code.length >> 8;
        code[jumps[i] + 1] = code.length & 255;
        emit(opcode.JUMPDEST);
        push2(data.length);
        copies.push(code.length + 1);
        push2(0);
        emit(opcode.PUSH0, opcode.CODECOPY);
        push2(data.length);
        emit(opcode.PUSH0, reverts ? opcode.REVERT : opcode.RETURN);
    });

    let offset = code.length;
    answers.forEach(({ data }, i) => {
        code[copies[i]] = offset >> 8;
        code[copies[i] + 1] = offset & 255;
        offset += data.length;
    });
    return Buffer.concat([Buffer.from(code), ...answers.map(({ data }) => data)]);
}

export class Chain {
    // CONTRACTS: [[address, code]]. TIMESTAMP is that of the latest block, and may be changed.
    static async start(contracts, timestamp) {
        const chain = new Chain();
        const common = new Common({ chain: Network.Mainnet, hardfork: Hardfork.Cancun });
        const stateManager = new DefaultStateManager({ common });
        chain.evm = await EVM.create({ common, stateManager });
        for (const [address, code] of contracts)
            await stateManager.putContractCode(Address.fromString(address), code);
        chain.timestamp = timestamp;
        chain.calls = 0;
        chain.spoil = null; // what the node answers instead, if set: (response) => void
        chain.server = http.createServer((request, response) => chain.#serve(request, response));
        await new Promise((resolve) => chain.server.listen(0, '127.0.0.1', resolve));
        chain.url = `http://127.0.0.1:${chain.server.address().port}/rpc`;
        return chain;
    }

    stop() {
        this.server.closeAllConnections?.();
        this.server.close();
    }

    // { reverted, data } as hex
    async call({ to, data, gas }) {
        const { execResult } = await this.evm.runCall({
            to: Address.fromString(to), data: hexToBytes(data), gasLimit: BigInt(gas ?? '0x1c9c380'), block: { header: { timestamp: BigInt(this.timestamp) } },
        });
        const error = execResult.exceptionError;
        if (error && error.error !== 'revert')
            throw new Error(`EVM: ${error.error}`);
        return { reverted: Boolean(error), data: bytesToHex(execResult.returnValue) };
    }

    async #serve(request, response) {
        const pieces = [];
        for await (const piece of request)
            pieces.push(piece);
        this.calls++;
        if (this.spoil) {
            this.spoil(response);
            return;
        }
        const body = JSON.parse(Buffer.concat(pieces));
        const answer = { jsonrpc: '2.0', id: body.id };
        if (request.method !== 'POST' || request.url !== '/rpc' || body.method !== 'eth_call' || body.params[1] !== 'latest') {
            answer.error = { code: -32601, message: 'the method does not exist' };
        } else {
            const { reverted, data } = await this.call(body.params[0]);
            if (reverted)
                answer.error = { code: 3, message: 'execution reverted', data };
            else
                answer.result = data;
        }
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(answer));
    }
}
