# maas-model inspect: the demo model in words, a transformer by its formulas, numbers with --shape, and wrong use.
cp "$DIGITS/digits.onnx" .
# What kernels need beside, and how weights are packed, depends on the machine.
maas-model inspect --values digits.onnx
maas-model inspect --shape N=4 digits.onnx \
  | sed -n '/^memory/,$p' | sed '/as planned\|repacked/s/[0-9,]* bytes/N bytes/'

"$PYTHON" "$CASE/check.py"

maas-model inspect --json digits.onnx | "$PYTHON" -c '
import json, sys
report = json.load(sys.stdin)
assert [v["shape"] for v in report["values"]][-2] == ["N", 10]'

# Names come from files: none may move the terminal's cursor.
"$PYTHON" - <<'PY'
import onnx.parser
strange = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
strange (float[2] x) => (float[2] y) { y = Neg (x) }''')
strange.graph.input[0].name = strange.graph.node[0].input[0] = "two\nlines"
strange.graph.output[0].name = strange.graph.node[0].output[0] = "\x1b[31mred"
onnx.save(strange, "strange.onnx")
PY
maas-model inspect --values strange.onnx >strange.txt
grep -F -c '\x1b[31mred' strange.txt
grep -F -c 'two\x0alines' strange.txt
! grep -c "$(printf '\033')" strange.txt

rc=0
for wrong in "" "--fast digits.onnx" "--shape N digits.onnx" "digits.onnx --shape M=4" "none.onnx" \
  "digits.onnx --svg none/x.svg"; do
  rc=0
  maas-model inspect $wrong >out 2>err || rc=$?
  [ ! -s out ] && [ "$(wc -l <err)" -ge 1 ]
  echo "maas-model inspect $wrong: $rc"
done
cat err
