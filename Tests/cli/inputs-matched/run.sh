# By order, by name, in one file, from standard input: always a - b. A file's own name may have an equals sign.
"$PYTHON" - <<'PY'
import numpy as np
import onnx.parser
onnx.save(onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
difference (float[N] a, float[N] b) => (float[N] c) { c = Sub (a, b) }'''), "m.onnx")
np.save("a.npy", np.float32([5, 7]))
np.save("size=2.npy", np.float32([1, 2]))
np.savez("both.npz", b=np.load("size=2.npy"), a=np.load("a.npy"))
np.savez("only-b.npz", b=np.load("size=2.npy"))
PY
{
  maas-run m.onnx a.npy size=2.npy
  maas-run m.onnx b=size=2.npy a.npy
  maas-run m.onnx a.npy b=size=2.npy
  maas-run m.onnx both.npz
  maas-run m.onnx a.npy only-b.npz
  maas-run m.onnx - <both.npz
  maas-run m.onnx - b=size=2.npy <a.npy
  cat a.npy | maas-run m.onnx - size=2.npy
  maas-run m.onnx a.npy only-b.npz --shape N=2
} | paste -d " " - - | uniq -c | sed "s/^ *//"
refuse() {
  rc=0
  maas-run "$@" 2>&1 || rc=$?
  [ $rc = 1 ] || { echo "exit code $rc"; exit 1; }
}
refuse m.onnx a.npy a=a.npy b=size=2.npy
refuse m.onnx a.npy a.npy a.npy
refuse m.onnx a.npy
refuse m.onnx d=a.npy a.npy
refuse m.onnx both.npz only-b.npz
refuse m.onnx a.npy size=2.npy --shape N=3
refuse m.onnx a.npy size=2.npy --shape M=3
refuse m.onnx - </dev/null
