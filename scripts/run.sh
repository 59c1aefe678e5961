#!/bin/bash
# Shows the demo model at work: pictures of handwritten digits, and what maas-run answers.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh maas-run
digits=examples/digits
for digit in 3 5 8; do
  image=$digits/images/$digit.npy
  printf '\n%s:\n\n' $image
  $digits/show.sh $image
  echo "\$ maas-run $digits/digits.onnx $image --top 3"
  .build/release/maas-run $digits/digits.onnx $image --top 3
done
