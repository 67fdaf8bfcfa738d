#!/bin/sh
# SPDX-License-Identifier: MIT
# GNU tar: a tree of headers into archives of three formats and back,
# through gzip, incremental, and with names that are transformed.
#
# packages: tar gzip diffutils libc6-dev
# commands: tar gzip diff
# active: tar gzip
# threads: one
# quick: yes

set -eu
cp -r /usr/include/linux tree
find tree -exec touch -h -d @1000000000 {} +
for format in gnu ustar v7; do
    tar -c --format=$format --sort=name --owner=0 --group=0 --numeric-owner \
        -f $format.tar tree
    sha256sum $format.tar
    mkdir $format
    tar -xf $format.tar -C $format
    diff -r tree $format/tree && echo same
done
tar -cz --sort=name --transform='s,^tree,other,' -f tree.tgz tree
tar -tzf tree.tgz | sha256sum
tar -c --listed-incremental=snapshot --sort=name -f full.tar tree
echo more >>tree/types.h
tar -c --listed-incremental=snapshot --sort=name -f part.tar tree
tar -tf part.tar
tar --delete -f gnu.tar tree/types.h
tar -tf gnu.tar | wc -l
