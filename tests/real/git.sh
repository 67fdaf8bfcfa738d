#!/bin/sh
# SPDX-License-Identifier: MIT
# git over a repository that it makes: 40 commits, branches, a merge, clone
# through the pack protocol, gc, repack, fsck, blame, archive.
#
# packages: git libc6-dev
# commands: git
# active: git
# threads: many
# quick: yes

set -eu
export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@localhost
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@localhost
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global pack.threads 2

git init -q origin
cd origin
cp -r /usr/include/linux/netfilter* .
for i in $(seq 40); do
    export GIT_AUTHOR_DATE="$((1000000000 + i)) +0000"
    export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
    for file in netfilter/*"$((i % 10))"*.h netfilter.h; do
        [ ! -f "$file" ] || sed -i "$((i * 2))i /* change $i */" "$file"
    done
    git add -A
    git commit -q -m "Change $i"
done
git checkout -q -b side HEAD~10
git mv netfilter.h other.h
git commit -q -m 'Rename a file'
git checkout -q main
git merge -q -m 'Merge the side' side
git rev-parse HEAD
cd ..

git clone -q --no-local origin copy
git -C copy fsck --full --strict
git -C copy repack -q -a -d -f --depth=50 --window=20
git -C copy gc -q --aggressive --prune=now
git -C copy fsck --full
git -C copy count-objects -v | grep -v size-pack
git -C copy log --stat -M --format='%H %s' | sha256sum
git -C copy log -p -S'change 7' --format=%s | sha256sum
git -C copy blame -M -C other.h | sha256sum
git -C copy archive --format=tar HEAD | sha256sum
git -C copy grep -c define | sha256sum
git -C copy bisect start -q HEAD HEAD~30 >/dev/null
git -C copy bisect run sh -c '! grep -q "change 25 " other.h netfilter.h' \
    2>/dev/null | tail -n 3
