#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc: calc.c at four levels, with debugging
# information, link-time optimization, warnings and an error; the objects
# have to be the same to the byte.
#
# packages: gcc libc6-dev binutils
# commands: gcc ld strip
# active: cc1 as ld gcc lto1 strip
# threads: one
# quick: yes

set -eu
cp "${0%/*}/calc.c" calc.c
for level in -O0 '-O2 -g' '-O3 -march=x86-64-v2 -funroll-loops' '-Os -fPIE'; do
    gcc -std=c11 -Wall -Wextra $level -frandom-seed=1 -c calc.c -o calc.o
    sha256sum <calc.o
done
gcc -std=c11 -O2 -flto -frandom-seed=1 calc.c -o calc
strip calc
sha256sum <calc
./calc 27
gcc -std=c11 -fanalyzer -Wall -Wextra -DMISTAKES -fsyntax-only calc.c 2>&1
gcc -std=c11 -DSYNTAX -c calc.c 2>&1 || echo "status $?"
gcc -std=c11 -E -dM calc.c | LC_ALL=C sort | sha256sum
