#!/bin/sh
# SPDX-License-Identifier: MIT
# lua: all of its memory goes through one realloc; tables, strings, closures,
# coroutines, weak tables and full collections.
#
# packages: lua5.4
# commands: lua5.4
# active: lua5.4
# threads: one
# quick: yes

set -eu
exec lua5.4 "${0%/*}/trees.lua"
