#!/bin/sh
# SPDX-License-Identifier: MIT
# zstd: fast, high and long-distance levels, a trained dictionary, many files.
#
# packages: zstd libc6-dev
# commands: zstd
# active: zstd
# threads: any
# quick: yes

set -eu
if [ "$THREADS" = 1 ]; then
    mode="--single-thread --no-asyncio"
else
    mode=-T$THREADS
fi
find /usr/include -maxdepth 2 -name '*.h' | LC_ALL=C sort | head -n 200 |
    xargs cat >text
for level in -1 -9 -13 '-5 --long=27'; do
    zstd -q $mode $level -c text >text.zst
    sha256sum <text.zst
    zstd -q $mode -d --long=27 -c text.zst | cmp - text && echo same
done
mkdir many
cp /usr/include/linux/*.h many
zstd -q --single-thread --no-asyncio --train many/*.h -o dictionary \
    --maxdict=65536
sha256sum <dictionary
zstd -q $mode -D dictionary --rm many/*.h
cat many/*.zst | sha256sum
zstd -q $mode -d -D dictionary many/*.zst
cat many/*.h | sha256sum
