#!/bin/sh
# SPDX-License-Identifier: MIT
# ripgrep over the system's headers: literals, classes, alternations, lines
# that continue, replacement, and the file walker alone.
#
# packages: ripgrep libc6-dev
# commands: rg
# active: rg
# threads: any
# quick: yes

set -eu
search() {
    rg -j"$THREADS" --no-messages "$@" /usr/include | LC_ALL=C sort | sha256sum
}

search -n 'struct'
search -c '[A-Z]+_[A-Z]{2,}[0-9]'
search -o -e 'uint(8|16|32|64)_t' -e 'size_t' -e 'FILE \*'
search -U --multiline-dotall 'typedef struct\s*\{.{0,80}\}'
search -i -w --replace '<$0>' 'malloc|free'
search --files
rg -j"$THREADS" -l no_such_word_anywhere /usr/include || echo "status $?"
