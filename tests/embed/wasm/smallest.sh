#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the smallest complete wasm module of each small allocator, checks that
# it has at most 560 bytes, and uses it in node: distinct aligned blocks that
# keep their contents while others come and go, and reuse of what was freed.

top=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
limit=560
status=0
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

for tool in clang wasm-ld node; do
    command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
done
echo 'int unused;' >"$work/probe.c"
clang --target=wasm32 -c -o "$work/probe.o" "$work/probe.c" 2>/dev/null ||
    { echo "clang has no wasm32"; exit 77; }

for name in bump seg freelist; do
    align=
    [ $name != seg ] || align=', align'
    clang --target=wasm32 -Oz -flto -ffreestanding -nostdlib \
        -I"$top/src" -I"$top/include" -DSTA_ONLY_SOURCE=sta_source_wasm_get \
        -DSMALL=sta_$name -DSMALL_ALLOC=sta_${name}_alloc \
        -DSMALL_FREE="sta_${name}_free(&heap, p, size$align)" \
        -Wl,--no-entry -Wl,--strip-all -o "$work/$name.wasm" \
        "$top/tests/embed/wasm/smallest.c" "$top/src/embed/$name.c" \
        "$top/src/embed/source_wasm.c" || { status=1; continue; }
    size=$(wc -c <"$work/$name.wasm")
    echo "$name: $size bytes, at most $limit"
    [ "$size" -le $limit ] || status=1
    node "$top/tests/embed/wasm/smallest.js" "$work/$name.wasm" || status=1
done
exit $status
