#!/bin/sh
# SPDX-License-Identifier: MIT
# node: V8, libuv's thread pool and workers; buffers, crypto, zlib, files.
#
# packages: nodejs
# commands: node
# active: node
# threads: many
# quick: yes

set -eu
exec node --no-warnings "${0%/*}/workers.js"
