#!/bin/sh
# SPDX-License-Identifier: MIT
# GNU sort: in memory, in merges of temporary files, by keys, numbers,
# versions and without duplicates.
#
# packages: coreutils mawk
# commands: sort awk
# active: sort awk
# threads: any
# quick: yes

set -eu
awk 'BEGIN {
    for (x = i = 1; i <= 150000; i++) {
        x = (x * 16807) % 2147483647
        printf "%d %x word%d v%d.%d.%d\n", x, x, x % 5000, x % 7, x % 11, i % 13
    }
}' >lines
by() {
    sort --parallel="$THREADS" "$@" lines | sha256sum
}

by -k1,1n
by -S 2M
by -S 2M -T . --batch-size=4 --compress-program=gzip -k2,2r
by -k3,3 -k4,4V -s
by -u -k3,3
by -R --random-source=/usr/include/stdio.h -k3,3
sort --parallel="$THREADS" -k3,3 lines | sort -c -k3,3 && echo sorted
