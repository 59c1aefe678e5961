# maas-model text: the structure, large tensors abbreviated or whole.
maas-model text "$DIGITS/digits.onnx" >short
grep -A 8 'name: "relu1"' short
grep -q '# left out: raw_data of 576 bytes' short # conv1.weight
maas-model text --whole "$DIGITS/digits.onnx" >whole
! grep -q '# left out' whole
[ "$(wc -c <whole)" -gt "$(wc -c <short)" ]
# A full disk is an error, not half a text.
rc=0
maas-model text "$DIGITS/digits.onnx" >/dev/full 2>err || rc=$?
[ $rc = 1 ]
sed "s|$DIGITS|DIGITS|" err
