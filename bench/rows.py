# SPDX-License-Identifier: MIT
"""The rows of the bench: what is run, and what of it is judged.

A row of our own writing is one of the programs beside this file; each says at
its head what it shows.  The others are real programs on data that data.py
makes.  `time` is what counts as a row's time: processor time (user and system)
where the work is one after another, since other programs on the machine do not
disturb it, and wall time where threads are to work side by side.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    group: str
    command: str       # words; {bin} the built programs, {data} made by `make`
    threads: int = 1   # above 1 the single-thread variant sits it out
    time: str = "cpu"  # or "wall", or "" when only memory is judged
    apart: str = ""    # the figure, in us, that its time leaves out
    make: tuple = ()   # names of what the Maker must have made
    need: str = ""     # TOOL=PACKAGE for scripts/need
    options: tuple = ()  # NAME=VALUE for the environment; ours reads STALLOC_*


# The groups; those of --extra FILE are EXTRA.
ONE, MANY, MEMORY = "one thread", "threads", "memory"
LATENCY, GROWTH = "latency", "growth"
PROGRAMS, EXTRA = "programs", "extra"


def own(name, group, arguments, **rest):
    return Row(name, group, "{bin}/" + arguments, **rest)


def real(name, need, command, make=(), **rest):
    return Row(name, PROGRAMS, command, make=make, need=need, **rest)


FIXED = ("STALLOC_ARENA_SIZE=256M", "STALLOC_PREFAULT=1", "STALLOC_MLOCK=1")

ROWS = [
    own("mix-128", ONE, "mix 128 10000 20000000"),
    own("mix-1024", ONE, "mix 1024 10000 15000000"),
    own("mix-32768", ONE, "mix 32768 4000 5000000"),
    own("mix-wide", ONE, "mix 1024 1000000 5000000"),
    own("nested", ONE, "nested 14 500"),
    own("grow-many", ONE, "grow 100 40 16384 15000000"),
    own("grow-one", ONE, "grow 1 1048576 67108864 300"),
    own("zeroed", ONE, "zeroed 4096 1000 4000000 100"),
    own("zeroed-sparse", ONE, "zeroed 4194304 20 20000 5"),
    own("aligned", ONE, "aligned 4096 4096 4000 4000000"),
    own("large", ONE, "large 32768 1048576 100 200000"),
    own("huge", ONE, "large 4194304 67108864 8 200"),
    own("start", ONE, "start 300"),
    own("phases", MEMORY, "phases 200 256 2 1000"),
    own("partly", MEMORY, "partly 5000 65536 1000 3000000"),
    own("rounds", MEMORY, "rounds 32 65536 100"),
    own("pinned-64", MEMORY, "pinned 64 128 64", apart="trim_us"),
    own("pinned-1024", MEMORY, "pinned 1024 128 64", apart="trim_us"),
    own("threads-1", MANY, "threads 1 20000000", threads=2, time="wall"),
    own("threads-2", MANY, "threads 2 20000000", threads=2, time="wall"),
    own("handoff", MANY, "handoff 5000000 1024", threads=2),
    own("server", MANY, "server 2 10000000 1024 10000", threads=2),
    own("outlive", MANY, "outlive 200 10000", threads=2),
    own("relay", MANY, "relay 2 5000 20 300000", threads=2),
    own("comego", MANY, "comego 10000 100", threads=2),
    own("latency-1", LATENCY, "latency 1 2000000 131072", threads=2),
    own("latency-2", LATENCY, "latency 2 2000000 131072", threads=2),
    own("latency-1-fixed", LATENCY, "latency 1 2000000 131072", threads=2,
        options=FIXED),
    own("latency-2-fixed", LATENCY, "latency 2 2000000 131072", threads=2,
        options=FIXED),
    real("rg", "rg=ripgrep", "rg -c -j2 [a-f]{4}|shr[0-9]*u {data}/tree",
         ("tree",), threads=2),
    real("sort", "sort=coreutils",
         "sort --parallel=2 -S 200M -o /dev/null {data}/lines.txt",
         ("lines.txt",), threads=2),
    real("sqlite3", "sqlite3=sqlite3",
         "sqlite3 :memory: -init {data}/work.sql .quit", ("work.sql",)),
    real("python3", "/usr/bin/python3=python3",
         "/usr/bin/python3 {data}/work.py", ("work.py",)),
    real("perl", "perl=perl", "perl {data}/work.pl", ("work.pl",)),
    real("lua", "lua5.4=lua5.4", "lua5.4 {data}/work.lua", ("work.lua",)),
    real("g++", "g++=g++", "g++ -S -o /dev/null {data}/work.cc",
         ("work.cc",)),
    real("clang", "clang++=clang",
         "clang++ -S -o /dev/null {data}/work.cc", ("work.cc",)),
    real("redis", "redis-server=redis-server", "sh {data}/redis.sh",
         ("redis.sh",), threads=2),
    real("xmllint", "xmllint=libxml2-utils",
         "xmllint --xpath count(//item[@kind]/note) {data}/work.xml",
         ("work.xml",)),
    real("jq", "jq=jq",
         "jq -c group_by(.kind)|map([.[0].kind,length]) {data}/work.json",
         ("work.json",)),
    real("git", "git=git", "git -C {data}/repo --no-pager log --stat",
         ("repo",), threads=2),
    real("gs", "gs=ghostscript",
         "gs -q -dBATCH -dNOPAUSE -sDEVICE=ppmraw -r50 -sOutputFile=/dev/null "
         "{data}/work.ps", ("work.ps",)),
    real("z3", "z3=z3", "z3 {data}/work.smt2", ("work.smt2",), threads=2),
    *(own(f"threads-of-{n}", GROWTH, f"threads {n} 20000000 1024 1000",
          threads=n + 1, time="wall") for n in (1, 2, 4, 8, 16, 32, 64)),
    *(own(f"live-{mib}", GROWTH, f"mix 1024 {mib * 4150} 5000000")
      for mib in (1, 4, 16, 64, 256, 1024, 4096)),
    *(own(f"holes-{n}", GROWTH, f"holes {n} 20")
      for n in (10, 100, 1000, 10000, 100000, 1000000)),
]


@dataclass(frozen=True)
class Growth:
    """Rows `NAME-<number>`: how cost grows with that number."""
    name: str
    number: str    # what is counted
    figure: str    # of what the program prints, a thousandth of the next
    cost: str
    memory: str = ""  # what resident size is divided by the number for


GROWTHS = [
    Growth("threads-of", "threads", "wall_us", "ms of the same work",
           "KiB a thread"),
    Growth("live", "MiB of live objects", "pair_ps", "ns of malloc and free",
           "KiB a live MiB"),
    Growth("holes", "free runs in front", "pair_ps", "ns of malloc and free"),
]
