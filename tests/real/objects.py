# SPDX-License-Identifier: MIT
"""Driven by python.sh: object-heavy work in one thread."""
import collections
import gc
import hashlib
import json
import os
import pickle
import re
import sys
import zlib

state = 1


def draw(n):
    global state
    state = state * 16807 % 2147483647
    return state % n


class Node:
    def __init__(self, key):
        self.key = key
        self.children = {}
        self.parent = None


words = ["".join(chr(97 + draw(6)) for _ in range(1 + draw(9)))
         for _ in range(20000)]
print("words", collections.Counter(words).most_common(3))
root = Node("")
for word in words:
    node = root
    for letter in word:
        if letter not in node.children:
            child = node.children[letter] = Node(letter)
            child.parent = node     # a cycle, for the collector
        node = node.children[letter]
del node, child
print("pickle", len(pickle.dumps(words)), end=" ")
sys.setrecursionlimit(5000)
copy = pickle.loads(pickle.dumps(root))
print(len(copy.children))
del root, copy
print("collected", gc.collect() > 10000)
data = json.dumps({w: [i, None, {"n": i / 4}] for i, w in enumerate(words)})
print("json", len(data), hashlib.sha256(data.encode()).hexdigest())
print("same", json.dumps(json.loads(data)) == data)
print("zlib", zlib.decompress(zlib.compress(data.encode())) == data.encode())
print("re", len(re.findall(r"(\w)\1", " ".join(words))))
array = bytearray()
for i in range(2000):
    array += bytes([i % 256]) * (i * 3)
    if i % 3 == 0:
        del array[: i]
print("bytes", len(array), zlib.crc32(array))
print("int", hashlib.sha256(hex(3 ** 20000).encode()).hexdigest()[:16])
rows = [[j for j in range(i % 50)] for i in range(30000)]
for i in range(0, 30000, 2):
    rows[i] = None
print("lists", sum(map(len, filter(None, rows))))
try:
    bytearray(1 << 62)
except MemoryError:
    print("refused")
for i in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(len([str(k) for k in range(3000)]) % 200)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end=" ")
print()
