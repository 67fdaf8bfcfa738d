#!/bin/sh
# SPDX-License-Identifier: MIT
# The GNU build system over a small project: autoreconf (perl, m4, shell),
# configure (hundreds of short processes), libtool, make -j2 and distcheck.
#
# packages: autoconf automake libtool make gcc libc6-dev
# commands: autoreconf libtoolize make gcc
# active: perl m4 make bash cc1 as ld expr sed
# threads: one
# limit: 180

set -eu
cp -r "${0%/*}/autotools" source
cp "${0%/*}/calc.c" source
cd source
run() {
    "$@" >>log 2>&1 || { tail -n 30 log; exit 1; }
}
run autoreconf -i
sha256sum configure Makefile.in
mkdir build
cd build
run env CONFIG_SHELL=/bin/bash ../configure --disable-static
sha256sum config.h
run make -j2
sha256sum .libs/libparts.so.0.0.0 .libs/calc
run make -j2 check
grep '^# [A-Z]*: *[1-9]' log
run make distcheck
grep -c 'ready for distribution' log
