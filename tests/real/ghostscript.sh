#!/bin/sh
# SPDX-License-Identifier: MIT
# ghostscript: a PostScript program with fonts, gradients and clipping to
# pixels at three depths, to PDF and from PDF to pixels and text.
#
# packages: ghostscript
# commands: gs
# active: gs
# threads: one
# quick: yes

set -eu
cp "${0%/*}/page.ps" .
gs() { command gs -q -dBATCH -dNOPAUSE -dSAFER "$@"; }
for device in png16m pnggray pbmraw jpeg; do
    gs -r100 -sDEVICE=$device -sOutputFile=page.%d.$device page.ps
    cat page.?.$device | sha256sum
done
gs -sDEVICE=pdfwrite -sOutputFile=page.pdf page.ps
gs -r72 -dTextAlphaBits=4 -dGraphicsAlphaBits=4 -sDEVICE=ppmraw \
    -sOutputFile=again.%d page.pdf
cat again.? | sha256sum
gs -sDEVICE=txtwrite -sOutputFile=- page.pdf
gs -sDEVICE=nullpage -c 'nosuchoperator' 2>&1 || echo "status $?"
