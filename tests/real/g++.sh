#!/bin/sh
# SPDX-License-Identifier: MIT
# g++: templates, exceptions and the standard library, with precompiled
# header, debugging information and the messages of a failed instantiation;
# then the program itself, which allocates by operator new and std::pmr.
#
# packages: g++ libc6-dev
# commands: g++
# active: cc1plus as ld g++ shapes
# threads: one
# quick: yes

set -eu
cp "${0%/*}/shapes.cpp" shapes.cpp
g++ -std=c++17 -Wall -Wextra -O2 -g -frandom-seed=1 -c shapes.cpp -o a.o
sha256sum <a.o
g++ -std=c++20 -Wall -Wextra -O0 -frandom-seed=1 -c shapes.cpp -o b.o
sha256sum <b.o
g++ a.o -o shapes
./shapes
g++ -std=c++17 -DMISTAKE -c shapes.cpp 2>&1 | sha256sum
