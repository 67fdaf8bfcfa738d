#!/bin/sh
# SPDX-License-Identifier: MIT
# gdb (whose symbol readers are threads): breakpoints, steps, backtraces,
# types, a Python command, a call of malloc in the program.
#
# packages: gdb gcc libc6-dev
# commands: gdb gcc
# active: gdb calc
# threads: many
# quick: yes

set -eu
cp "${0%/*}/calc.c" calc.c
gcc -std=c11 -g3 -O0 calc.c -o calc
cat >commands <<'END'
set confirm off
set startup-with-shell off
break push if width == 3
run 12
info args
next 4
print *top
ptype struct step
finish
tbreak ways if n == 2
continue
backtrace
info locals
info source
print sizeof(struct step) * table[5]
call (void)free((void *)malloc(100))
python main = gdb.lookup_global_symbol("main").symtab.global_block()
python print([s.name for s in main if s.is_function][:3])
info functions ^row[12]00
delete
continue
END
if ! gdb -nx -batch -ex 'set startup-with-shell off' -ex starti ./calc \
    >log 2>&1 || grep -q ptrace log; then
    tail -n 1 log
    exit 77
fi
gdb -nx -batch -x commands ./calc 2>&1 |
    sed 's/0x[0-9a-f]\{5,\}/ADDRESS/g; s/process [0-9]*/process N/'
gdb -nx -batch -ex 'info types step' -ex 'disassemble ways' ./calc | sha256sum
