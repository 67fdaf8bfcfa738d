#!/bin/sh
# SPDX-License-Identifier: MIT
# ImageMagick: an image made from noise, resized, blurred, quantized,
# distorted, composed and converted to six formats and back.
#
# packages: imagemagick-6.q16
# commands: convert-im6.q16 identify-im6.q16
# active: convert-im6.q16
# threads: any
# quick: yes

set -eu
export MAGICK_THREAD_LIMIT="$THREADS" OMP_NUM_THREADS="$THREADS"
convert() { convert-im6.q16 "$@"; }
hash() { identify-im6.q16 -format '%m %wx%h %#\n' "$@"; }
convert -size 500x400 -seed 7 plasma:tomato-steelblue a.png
hash a.png
convert a.png -resize 900x900 -unsharp 0x1 b.miff
convert b.miff -gaussian-blur 0x3 -colors 60 c.gif
convert a.png -distort Perspective \
    '0,0 20,30 500,0 480,10 500,400 450,390 0,400 5,370' d.tiff
convert a.png -colorspace Lab -channel R -equalize -colorspace sRGB e.ppm
convert a.png -morphology Close Disk:3 -paint 2 -swirl 60 f.bmp
convert b.miff \( a.png -rotate 30 \) -gravity center -compose Multiply \
    -composite -quality 80 g.jpg
convert a.png -crop 5x4@ +repage -reverse -append -statistic Median 3x3 h.png
convert -delay 5 a.png c.gif h.png -coalesce -layers OptimizePlus i.gif
hash b.miff c.gif d.tiff e.ppm f.bmp g.jpg h.png i.gif
convert a.png -fx 'r*(1+sin(i/20))/2' -format '%[mean]\n' info:
convert nothing.png out.png 2>&1 | sed 's/ @.*//'
