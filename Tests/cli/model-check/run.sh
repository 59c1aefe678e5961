# maas-model check: a sound model, a spoiled one, one that cannot be read, and wrong command lines.
maas-model check "$DIGITS/digits.onnx" | grep 'digits.onnx: no problem found by libonnx' >/dev/null

# 'Softmax' becomes 'Softmix', an operator that ONNX does not have.
sed 's/Softmax/Softmix/' "$DIGITS/digits.onnx" >spoiled.onnx
rc=0
maas-model check spoiled.onnx "$DIGITS/digits.onnx" >out 2>err || rc=$?
[ $rc = 1 ]
cat err
[ "$(wc -l <out)" = 1 ] # the sound one is checked all the same

for part in 0 100 5000; do
  head -c $part "$DIGITS/digits.onnx" >cut.onnx
  rc=0
  maas-model check cut.onnx >out 2>err || rc=$?
  [ $rc = 1 ]
  sed 's/[0-9][0-9]*/N/g' err
  [ ! -s out ]
done

for wrong in "" "chekc x" "check" "check --fast x"; do
  rc=0
  maas-model $wrong >out 2>err || rc=$?
  [ ! -s out ]
  echo "maas-model $wrong: $rc $(cat err)"
done
