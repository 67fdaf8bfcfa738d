#!/bin/sh
# SPDX-License-Identifier: MIT
# valgrind under the library: memcheck takes malloc over, as always, and
# still finds the leak, the overflow and the double free of faulty.c; and,
# told to leave a preloaded malloc alone, runs the library itself.
#
# packages: valgrind gcc libc6-dev libc6-dbg
# commands: valgrind gcc
# active: faulty
# threads: one
# quick: yes

set -eu
gcc -g -O0 -w "${0%/*}/faulty.c" -o faulty
check() {
    kept='^(Invalid|Conditional|HEAP|ERROR|[0-9,]+ .*lost)|a block of|at exit'
    valgrind --leak-check=full --error-exitcode=9 "$@" 2>&1 |
        sed 's/^==[0-9]*== *//; s/0x[0-9A-Fa-f]*/ADDRESS/g' | grep -E "$kept"
}
for fault in leak overflow double uninitialized; do
    echo "$fault:"
    check ./faulty $fault || true
done
valgrind -q --soname-synonyms=somalloc=nouserintercepts ./faulty none
