#!/bin/sh
# SPDX-License-Identifier: MIT
# CPython's own tests of threading and subprocess, with every object in malloc.
# One test is left out: it fails where a .pth file imports threading.
#
# packages: python3 libpython3-testsuite
# commands: python3 /usr/lib/python3.11/test/test_threading.py
# active: python3
# threads: many
# limit: 240

set -eu
PYTHONMALLOC=malloc python3 -B -m test test_threading test_subprocess \
    -i test_import_from_another_thread 2>&1 |
    grep -E '^([0-9]+ test|All|Total tests|Result|FAIL|ERROR)' |
    sed 's/ passed in .*/ passed/'
