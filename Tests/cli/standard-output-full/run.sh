# Output that gets lost is a failure.
for option in --top=1 --output=-; do
  rc=0
  maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" $option >/dev/full || rc=$?
  [ $rc = 1 ] || { echo "exit code $rc with $option"; exit 1; }
done 2>&1
for command in "check $DIGITS/digits.onnx" "text $DIGITS/digits.onnx" --version; do
  rc=0
  maas-model $command >/dev/full || rc=$?
  [ $rc = 1 ] || { echo "exit code $rc of maas-model $command"; exit 1; }
done 2>&1 | sed "s|$DIGITS/||"
