#!/bin/sh
# SPDX-License-Identifier: MIT
# make -j2 of a real package, googletest and its samples: C++ compilers,
# assemblers, ar and ld side by side under recursive make; the archives have
# to be the same to the byte, and the samples have to pass.
#
# packages: make g++ cmake googletest libc6-dev
# commands: make g++ cmake /usr/src/googletest/CMakeLists.txt
# active: make cc1plus as ar ld sample5_unittest
# threads: one
# limit: 300

set -eu
# cmake has threads, so it is another script's matter.
env -u LD_PRELOAD cmake -S /usr/src/googletest -B build \
    -DCMAKE_CXX_FLAGS='-O1 -frandom-seed=1' -DBUILD_GMOCK=OFF \
    -Dgtest_build_samples=ON -Dgtest_disable_pthreads=ON >log ||
    { cat log; exit 1; }
make -C build -j2 >log 2>&1 || { cat log; exit 1; }
grep -c Built log
sha256sum build/lib/*.a
for sample in build/googletest/sample*_unittest; do
    $sample | grep -o 'PASSED.*'
done
