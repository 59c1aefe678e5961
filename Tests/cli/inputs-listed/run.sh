maas-run "$DIGITS/digits.onnx" --inputs
"$PYTHON" - <<'PY'
import onnx.parser
onnx.save(onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
join (seq(float[N]) parts) => (float[M] whole) { whole = ConcatFromSequence <axis = 0> (parts) }'''), "join.onnx")
strange = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
strange (float[2] x) => (float[2] y) { y = Neg (x) }''')
strange.graph.input[0].name = strange.graph.node[0].input[0] = "two\nlines"
strange.graph.output[0].name = strange.graph.node[0].output[0] = "\x1b[31mred"
onnx.save(strange, "strange.onnx")
PY
maas-run join.onnx --inputs
maas-run strange.onnx --inputs
maas-run strange.onnx --random | head -1
maas-run strange.onnx 2>&1 || true
