#!/bin/sh
# SPDX-License-Identifier: MIT
# perl: hashes, strings, regular expressions, sorting, closures, fork.
#
# packages: perl
# commands: perl
# active: perl
# threads: one
# quick: yes

set -eu
exec perl "${0%/*}/words.pl"
