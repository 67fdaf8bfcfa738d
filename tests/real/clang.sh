#!/bin/sh
# SPDX-License-Identifier: MIT
# clang and LLVM: C at two levels, C++, the static analyzer, the optimizer
# apart from the compiler, and diagnostics.
#
# packages: clang llvm libc6-dev libstdc++-12-dev
# commands: clang clang++ opt llc
# active: clang opt llc
# threads: one
# limit: 90

set -eu
cp "${0%/*}/calc.c" "${0%/*}/shapes.cpp" .
for level in -O0 '-O2 -g'; do
    clang -std=c11 -Wall -Wextra $level -c calc.c -o calc.o
    sha256sum <calc.o
done
clang calc.o -o calc
./calc 27
clang -std=c11 --analyze -Xclang -analyzer-output=text -DMISTAKES calc.c 2>&1
clang -std=c11 -DSYNTAX -c calc.c 2>&1 || echo "status $?"
clang++ -std=c++17 -O0 -c shapes.cpp -o shapes.o
sha256sum <shapes.o
clang -std=c11 -O1 -S -emit-llvm calc.c -o calc.ll
opt -S -O2 calc.ll | llc -O2 -o - | sha256sum
