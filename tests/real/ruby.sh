#!/bin/sh
# SPDX-License-Identifier: MIT
# ruby: objects, strings, regular expressions, threads, fibers, fork, GC and
# heap compaction.
#
# packages: ruby
# commands: ruby
# active: ruby
# threads: many
# quick: yes

set -eu
exec ruby "${0%/*}/objects.rb"
