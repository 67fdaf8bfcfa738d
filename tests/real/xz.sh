#!/bin/sh
# SPDX-License-Identifier: MIT
# xz: blocks compressed and decompressed by threads (dictionaries of 4 and
# 16 MiB: large objects that come and go), a filter chain, a memory limit.
#
# packages: xz-utils libc6-dev
# commands: xz
# active: xz
# threads: any
# quick: yes

set -eu
find /usr/include -maxdepth 2 -name '*.h' | LC_ALL=C sort | head -n 150 |
    xargs cat >text
sha256sum <text
xz -T"$THREADS" -3 --block-size=1MiB -kc text >a.xz
xz -T"$THREADS" -dc a.xz | sha256sum
xz -T"$THREADS" --delta=dist=4 --lzma2=preset=6,dict=16MiB -kc text >b.xz
xz -T"$THREADS" -dc b.xz | sha256sum
xz --robot --list a.xz b.xz
xz -T"$THREADS" -M 1MiB -dc b.xz 2>&1 | sed 's/[0-9]\+ MiB/N MiB/' | head -n 1
xz -T"$THREADS" -t a.xz b.xz && echo intact
sha256sum a.xz b.xz
