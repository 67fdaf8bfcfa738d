#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng: its malloc stressor (with threads, touched and trimmed), and the
# others that lean on malloc, mremap, fork and the C library, with --verify.
#
# packages: stress-ng
# commands: stress-ng
# active: stress-ng
# threads: many
# quick: yes

set -eu
stress() {
    stress-ng --timeout 10 --verify --no-rand-seed --temp-path . "$@" 2>&1 |
        sed 's/^stress-ng: \([a-z]*\): *\[[0-9]*\] */\1: /' |
        sed 's/ in [0-9.]*s.*//' |
        grep -v -E 'dispatching|setting to|metrics|run time|untrustworthy'
}
stress --malloc 2 --malloc-ops 5000 --malloc-bytes 64M
stress --malloc 1 --malloc-ops 60 --malloc-pthreads 3 --malloc-touch \
    --malloc-bytes 32M
stress --malloc 1 --malloc-ops 5000 --malloc-thresh 16K --malloc-max 4096
stress --fork 2 --fork-ops 300 --vfork 1 --vfork-ops 300
stress --pthread 2 --pthread-ops 2000
stress --tree 1 --tree-ops 1 --tree-size 5000 --tsearch 1 --tsearch-ops 2
stress --hsearch 1 --hsearch-ops 5 --list 1 --list-ops 5
stress --bigheap 1 --bigheap-ops 200
