// SPDX-License-Identifier: MIT
// Runs the conformance suite in a WebAssembly module: node conform_wasm.js FILE
const fs = require("fs");

let memory;
const text = (at) => {
    const bytes = new Uint8Array(memory.buffer);
    let end = at;
    while (bytes[end]) end++;
    return Buffer.from(bytes.slice(at, end)).toString();
};

const module_ = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
const instance = new WebAssembly.Instance(module_, {
    env: {
        report_broken: (subject, promise, line) =>
            console.error(`line ${line}: ${text(subject)}: ${text(promise)}`),
    },
});
memory = instance.exports.memory;
process.exit(instance.exports.conform_all() === 0 ? 0 : 1);
