# maas-model optimize: ONNX's own checker takes what it writes, ONNX Runtime gives the same, --explain says why.
cp "$DIGITS/digits.onnx" .
maas-model optimize digits.onnx small.onnx
maas-model optimize --level basic --external-data digits.onnx beside.onnx
[ "$(stat -c %s beside.onnx)" -lt 5000 ]
ls beside.onnx*
"$PYTHON" "$CASE/check.py" digits.onnx small.onnx beside.onnx
"$PYTHON" "$CASE/fusions.py" fusions.onnx
maas-model optimize fusions.onnx fused.onnx
"$PYTHON" "$CASE/check.py" fusions.onnx fused.onnx
"$PYTHON" "$CASE/folding.py" folding.onnx
maas-model optimize folding.onnx folded.onnx --explain --shape N=3 --shape S=3 >explained
"$PYTHON" "$CASE/check.py" folding.onnx folded.onnx
grep -E '^  (ShareConstants|Eliminate|FuseRotary|Fold|FuseBias).*time' explained | sed 's/,.*//'

MAAS_ISA=scalar maas-model optimize digits.onnx small.onnx --explain --shape N=4 --threads 1 >explained
# Which rules there are, and how kernels split their work, is not this case's concern.
grep -E '^rules|FuseActivation|^steps' explained | sed -E 's/[0-9]+ µs/T/'
sed -nE '/^steps/,$p' explained | sed -E '1d; s/maas_[a-z0-9_]+_scalar/KERNEL/;
  s/one thread: [^;]*(; [0-9]+ pieces[^;]*)?/THREADS/; s/into [0-9]+ bytes/into N bytes/'

for wrong in "" "digits.onnx" "digits.onnx x.onnx --level most" "digits.onnx x.onnx --shape N=4" \
  "none.onnx x.onnx" "digits.onnx none/x.onnx" "digits.onnx x.onnx --explain --shape M=1"; do
  rc=0
  maas-model optimize $wrong >out 2>err || rc=$?
  [ ! -s out ] && [ -s err ]
  echo "maas-model optimize $wrong: $rc"
done
tail -n 1 err
