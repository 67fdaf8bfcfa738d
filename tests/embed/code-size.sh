#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks the code size of the three small allocators, alloc and free with all
# that they call, at gcc -Os on x86-64: lite-alloc's are the limits.

top=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=${CC:-cc}
nm=${NM:-nm}
status=0
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

case $($cc -dumpmachine) in
x86_64-*) ;;
*) echo "not x86-64"; exit 77 ;;
esac
$cc --version | grep -q 'Free Software Foundation' ||
    { echo "not gcc, which the limits are for"; exit 77; }

check() {
    name=$1 limit=$2
    $cc -Os -std=gnu11 -ffreestanding -I"$top/src" -I"$top/include" \
        -c -o "$work/$name.o" "$top/src/embed/$name.c" || { status=1; return; }
    # Helpers that the compiler has kept as functions of their own count too.
    $nm -S "$work/$name.o" >"$work/$name.nm"
    counted="(sta_${name}_(alloc|free)|take|give|push|cut|add_span|bin_.*)"
    size=0
    # shellcheck disable=SC2013 # sizes in hex have no spaces
    for hex in $(sed -nE "s/^[0-9a-f]+ ([0-9a-f]+) [tT] $counted\$/\1/p" \
        "$work/$name.nm"); do
        size=$((size + 0x$hex))
    done
    echo "$name: $size bytes, at most $limit"
    [ "$size" -gt 0 ] && [ "$size" -le "$limit" ] || status=1
}

check bump 312
check seg 397
check freelist 301
exit $status
