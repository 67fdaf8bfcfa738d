# SPDX-License-Identifier: MIT
"""Driven by python-threads.sh."""
import asyncio
import concurrent.futures
import hashlib
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import zlib


def work(n):
    parts = [(str(i) * (i % 30 + 1)).encode() for i in range(n, n + 3000)]
    return hashlib.sha256(zlib.compress(b"".join(parts))).hexdigest()[:8]


def pass_on(source, sink):
    while (item := source.get()) is not None:
        sink.put([*item, len(item)])
    sink.put(None)


def pipeline():
    """Objects made by one thread and freed by another."""
    queues = [queue.Queue(100) for _ in range(4)]
    threads = [threading.Thread(target=pass_on, args=pair)
               for pair in zip(queues, queues[1:])]
    feeder = threading.Thread(target=lambda: [
        queues[0].put(["x" * (i % 500)] if i < 5000 else None)
        for i in range(5001)])
    for thread in threads + [feeder]:
        thread.start()
    total = 0
    while (item := queues[-1].get()) is not None:
        total += len(item) + len(item[0])
    for thread in threads + [feeder]:
        thread.join()
    return total


def short_threads():
    """Threads that end while their objects live on."""
    kept = []
    for _ in range(60):
        batch = [threading.Thread(
            target=lambda: kept.append([bytes(n) for n in range(0, 2000, 50)]))
            for _ in range(5)]
        for thread in batch:
            thread.start()
        for thread in batch:
            thread.join()
        if len(kept) > 100:
            del kept[:50]
    return len(kept)


async def shell(i):
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"echo {i}; cat", stdin=-1, stdout=-1)
    return await process.communicate(b"z" * i * 100)


async def shells():
    loop = asyncio.get_running_loop()
    mixed = [shell(i) for i in range(10)]
    mixed += [loop.run_in_executor(None, work, i) for i in range(4)]
    return [r if isinstance(r, str) else len(r[0])
            for r in await asyncio.gather(*mixed)]


def main():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print("threads", *pool.map(work, range(0, 40)))
    print("pipeline", pipeline())
    print("short", short_threads())
    stop = threading.Event()

    def churn():
        while not stop.wait(0.0001):
            [bytearray(n) for n in range(0, 100000, 5000)]

    churners = [threading.Thread(target=churn) for _ in range(2)]
    for thread in churners:
        thread.start()
    # fork while other threads hold whatever locks there are
    print("fork", end=" ")
    for i in range(60):
        pid = os.fork()
        if pid == 0:
            os._exit(len([bytes(k * 40) for k in range(500)]) % 200)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end=" ")
    print()
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            print(method, *pool.map(work, range(0, 80, 10)))
    stop.set()
    for thread in churners:
        thread.join()
    print("asyncio", *asyncio.run(shells()))
    code = "import threading as t; t.Thread(target=print, args=('in',)).start()"
    print(subprocess.run([sys.executable, "-c", code], capture_output=True))


if __name__ == "__main__":
    main()
