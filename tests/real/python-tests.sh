#!/bin/sh
# SPDX-License-Identifier: MIT
# CPython's own tests of dict, list and json, with every object in malloc.
#
# packages: python3 libpython3-testsuite
# commands: python3 /usr/lib/python3.11/test/test_dict.py
# active: python3
# threads: one
# limit: 180

set -eu
PYTHONMALLOC=malloc python3 -B -m test test_dict test_list test_json 2>&1 |
    grep -E '^([0-9]+ test|All|Total tests|Result|FAIL|ERROR)' |
    sed 's/ passed in .*/ passed/'
