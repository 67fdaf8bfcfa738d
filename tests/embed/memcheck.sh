#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks that memcheck sees into an arena built with --enable-valgrind: nothing
# in a program that is right, and each misuse of memcheck.c by its kind.

top=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=${CC:-cc}
status=0
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

command -v valgrind >/dev/null || { echo "no valgrind"; exit 77; }
echo '#include <valgrind/memcheck.h>' >"$work/probe.c"
$cc -c -o "$work/probe.o" "$work/probe.c" 2>/dev/null ||
    { echo "no valgrind/memcheck.h"; exit 77; }

cd "$top/src" || exit 99
# Valgrind 3.19 cannot read what clang writes by default.
$cc -gdwarf-4 -O1 -std=gnu11 -DSTA_VALGRIND=1 -I. -I"$top/include" \
    -o "$work/memcheck" "$top/tests/embed/memcheck.c" embed/arena*.c \
    embed/writer.c embed/allocator.c core/runs.c core/freemap.c || exit 1

expect() {
    kind=$1 pattern=$2
    for form in '' indexed; do
        # shellcheck disable=SC2086 # no form is no argument
        valgrind -q "$work/memcheck" "$kind" $form >"$work/report" 2>&1
        if [ -z "$pattern" ]; then
            [ ! -s "$work/report" ] && continue
        elif grep -q "$pattern" "$work/report"; then
            continue
        fi
        echo "$kind $form: expected '$pattern', found"
        cat "$work/report"
        status=1
    done
}

expect none ''
expect overflow 'Invalid write of size 1'
expect after-free 'Invalid write of size 1'
expect undefined 'depends on uninitialised value'
exit $status
