#!/bin/sh
# SPDX-License-Identifier: MIT
# g++: templates, exceptions and the standard library, with debugging
# information and the messages of a failed instantiation; then the program
# itself, which allocates by operator new and std::pmr.
#
# packages: g++ libc6-dev
# commands: g++
# active: cc1plus as ld g++ shapes
# threads: one
# quick: yes

set -eu
cp "${0%/*}/shapes.cpp" shapes.cpp
g++ -std=c++17 -Wall -Wextra -O1 -g -c shapes.cpp
sha256sum <shapes.o
g++ shapes.o -o shapes
./shapes
g++ -std=c++17 -DMISTAKE -fsyntax-only shapes.cpp 2>&1 | sha256sum
