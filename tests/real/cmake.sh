#!/bin/sh
# SPDX-License-Identifier: MIT
# cmake: configure with its compiler checks, generate, build in parallel,
# ctest, install, and a script of string, list and JSON work.
#
# packages: cmake make gcc libc6-dev
# commands: cmake ctest make gcc
# active: cmake ctest
# threads: many
# quick: yes

set -eu
cp -r "${0%/*}/cmake" source
cp "${0%/*}/calc.c" source
cmake -S source -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=out |
    sed 's/([0-9.]*s)//'
cmake --build build -j2 >log || cat log
grep -c Built log
(cd build && ctest -j2 | grep -o '.* tests passed.*')
cmake --install build >log || cat log
find out -type f | LC_ALL=C sort | xargs sha256sum
cmake -P source/work.cmake
