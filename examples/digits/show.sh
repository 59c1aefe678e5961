#!/bin/sh
# Draws each 8x8 image of a .npy file as written by train.py (float32, 128 bytes of header) as text.
set -eu
tail -c +129 "$1" | od -An -v -t f4 -w32 | awk '
  { line = ""
    for (i = 1; i <= 8; i++) { ink = substr(" .:-=+*#%@", 1 + int($i * 9 / 16), 1); line = line ink ink }
    print "    |" line "|" }
  NR % 8 == 0 { print "" }'
