// SPDX-License-Identifier: MIT
//
// Uses a module of smallest.c: random blocks, each filled with a byte of its
// own, checked when it is freed. Prints what is wrong and exits 1.
"use strict";

const fs = require("fs");

const bytes = fs.readFileSync(process.argv[2]);
const heap = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
const live = [];
let state = 1;
let failures = 0;

function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 4294967296) * below);
}

function check(truth, what) {
  if (truth) return;
  failures++;
  console.error(`${process.argv[2]}: ${what}`);
}

function free(block) {
  const held = new Uint8Array(heap.memory.buffer, block.p, block.size);
  check(held.every((byte) => byte === block.fill), "contents changed");
  heap.free(block.p, block.size, block.align);
}

for (let step = 0; step < 20000 && failures === 0; step++) {
  if (live.length < 200 && random(2)) {
    const size = 1 + random(step % 100 ? 300 : 100000);
    const align = 1 << random(9);
    const p = heap.alloc(size, align) >>> 0;
    const fill = step & 255;
    check(p !== 0, `no ${size} bytes`);
    check(p % align === 0, `${p} is not aligned to ${align}`);
    new Uint8Array(heap.memory.buffer, p, size).fill(fill);
    live.push({ p, size, align, fill });
  } else if (live.length) {
    const i = random(live.length);
    free(live[i]);
    live[i] = live[live.length - 1];
    live.pop();
  }
}
live.forEach(free);
check(heap.memory.buffer.byteLength < 32 << 20, "freed memory is not reused");
check(heap.alloc(0, 8) === 0, "0 bytes were allocated");
check(heap.alloc(8, 3) === 0, "an alignment of 3 was taken");
check(heap.alloc(-1, 8) === 0, "4 GiB were allocated");
check(heap.alloc(8, 1 << 31) === 0, "an alignment of 2 GiB was had");
process.exit(failures ? 1 : 0);
