#!/bin/sh
# SPDX-License-Identifier: MIT
# grep over the system's headers, with each of its matchers: fixed strings,
# DFA, back references (the regex of the C library) and PCRE.
#
# packages: grep libc6-dev
# commands: grep
# active: grep
# threads: one
# quick: yes

set -eu
search() {
    grep -rs "$@" /usr/include | LC_ALL=C sort | sha256sum
}

search -n 'struct'
search -c -E '[A-Z]+_[A-Z]{2,}[0-9]' --include='*s.h'
search -h -o -P '(?<=#define )\w+(?=\()'
search -h -E '\b([a-z]{3,})_\1\b' --include='s*.h'
grep -rhosE '\b[a-z]{9}\b' /usr/include/linux | LC_ALL=C sort -u >words
search -h -w -F -f words --include='[a-m]*.h'
grep -r no_such_word_anywhere /usr/include/linux || echo "status $?"
