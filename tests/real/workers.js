// SPDX-License-Identifier: MIT
// Driven by node.sh.
'use strict';
const {Worker, isMainThread, parentPort, workerData} =
  require('worker_threads');
const {spawn} = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const util = require('util');
const zlib = require('zlib');

const sha = (data) =>
  crypto.createHash('sha256').update(data).digest('hex').slice(0, 12);

function objects(seed) {
  let x = seed + 1;
  const map = new Map();
  for (let i = 0; i < 50000; i++) {
    x = x * 16807 % 2147483647;
    map.set('key' + x % 9973, {i, list: [x, String(x)]});
  }
  return sha(JSON.stringify([...map]));
}

async function main() {
  console.log('main', objects(0));
  const workers = [1, 2, 3, 4, 5, 6].map((n) => new Promise((ok, bad) => {
    const worker = new Worker(__filename, {workerData: n});
    worker.on('message', ok);
    worker.on('error', bad);
  }));
  for (const {n, hash, buffer} of await Promise.all(workers))
    console.log('worker', n, hash, buffer.byteLength, sha(Buffer.from(buffer)));

  const scrypt = util.promisify(crypto.scrypt);
  const keys = await Promise.all(
    [1, 2, 3, 4].map((n) => scrypt('secret', 'salt' + n, 32, {N: 4096})));
  console.log('scrypt', keys.map(sha).join(' '));

  const text = Buffer.from('some text, again and again; '.repeat(100000));
  const [deflate, brotli] = await Promise.all(
    [util.promisify(zlib.deflate)(text), util.promisify(zlib.brotliCompress)(
      text, {params: {[zlib.constants.BROTLI_PARAM_QUALITY]: 5}})]);
  console.log('zlib', zlib.inflateSync(deflate).equals(text),
    zlib.brotliDecompressSync(brotli).equals(text));

  await Promise.all([...Array(40).keys()].map((i) =>
    fs.promises.writeFile('f' + i, text.subarray(0, i * 1000))));
  const names = fs.readdirSync('.').filter((n) => /^f\d+$/.test(n)).sort();
  const files = await Promise.all(names.map((n) => fs.promises.readFile(n)));
  console.log('files', files.length, sha(Buffer.concat(files)));

  const buffers = [];
  for (let i = 0; i < 3000; i++) {
    buffers.push(Buffer.alloc(i * 37 % 60000, i % 256));
    if (i % 3 === 0) buffers.splice(i % buffers.length, 1);
  }
  console.log('buffers', sha(Buffer.concat(buffers)));
  console.log('child', await new Promise((ok) => {
    const child = spawn('sh', ['-c', 'read line; echo "got $line"; exit 3']);
    let out = '';
    child.stdout.on('data', (d) => { out += d; });
    child.on('close', (code) => ok(out.trim() + ' ' + code));
    child.stdin.end('hello\n');
  }));
  try {
    new ArrayBuffer(2 ** 50);
  } catch (e) {
    console.log(e.name);
  }
}

if (isMainThread) {
  main();
} else {
  const buffer = new ArrayBuffer(1 << 20);
  new Uint32Array(buffer).fill(workerData);
  parentPort.postMessage(
    {n: workerData, hash: objects(workerData), buffer}, [buffer]);
}
