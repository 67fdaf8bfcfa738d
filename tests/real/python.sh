#!/bin/sh
# SPDX-License-Identifier: MIT
# python3 with all of its objects in malloc (PYTHONMALLOC=malloc), and with
# guard bytes around each: containers, strings, bytes, regular expressions,
# classes.
#
# packages: python3
# commands: python3
# active: python3
# threads: one
# quick: yes

set -eu
for malloc in malloc malloc_debug; do
    PYTHONMALLOC=$malloc PYTHONHASHSEED=0 python3 "${0%/*}/objects.py"
done
