#!/bin/sh
# SPDX-License-Identifier: MIT
# python3 with threads, multiprocessing (fork, spawn and forkserver from a
# process with threads), asyncio and subprocesses.
#
# packages: python3
# commands: python3
# active: python3
# threads: many
# quick: yes

set -eu
PYTHONMALLOC=malloc python3 "${0%/*}/threads.py"
python3 "${0%/*}/threads.py"
