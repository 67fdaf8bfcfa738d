#!/bin/sh
# SPDX-License-Identifier: MIT
# bash: some 2,000 forks in subshells, pipelines, command and process
# substitutions and background jobs, and large arrays and strings between.
#
# packages: bash
# commands: bash
# active: bash
# threads: one
# quick: yes

set -eu
exec bash "${0%/*}/forks.bash"
