# Files that NumPy reads, written whole or not at all; a pipe from one model to the next.
three=$DIGITS/images/3.npy
"$PYTHON" - <<'PY'
import onnx.parser
onnx.save(onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
one (float[N, 1, 8, 8] x) => (float[N, 1, 8, 8] y) { y = Neg (x) }'''), "negative.onnx")
PY
maas-run "$DIGITS/digits.onnx" "$three" -o two.npz -q
maas-run "$DIGITS/digits.onnx" "$three" -o - >piped.npz
cmp two.npz piped.npz
maas-run negative.onnx "$three" --output one.npy -q
maas-run negative.onnx "$three" -o - | maas-run negative.onnx - -o - >same.npy
maas-run negative.onnx "$three" -o one.npz | head -1
three=$three "$PYTHON" - <<'PY'
import os
import numpy as np
three = np.load(os.environ["three"])
assert (np.load("one.npy") == -three).all()
assert (np.load("same.npy") == three).all()
assert (np.load("one.npz")["y"] == -three).all()
two = np.load("two.npz")
print({name: (two[name].dtype.name, two[name].shape) for name in two.files}, two["label"])
PY
refuse() {
  rc=0
  maas-run "$@" -q 2>&1 || rc=$?
  [ $rc = 1 ] || { echo "exit code $rc"; exit 1; }
}
refuse "$DIGITS/digits.onnx" "$three" -o two.npy 2>&1
refuse negative.onnx "$three" -o missing/one.npy
# What is there already stays what it was: a link, a file for its owner only.
touch behind.npy && chmod 600 behind.npy && ln -s behind.npy link.npy
maas-run negative.onnx "$three" -o link.npy -q
cmp one.npy behind.npy && stat -c '%n %F %a' link.npy behind.npy
mkdir folder.npy
refuse negative.onnx "$three" -o folder.npy
(ulimit -f 0; trap '' XFSZ; refuse negative.onnx "$three" -o too-large.npy) | cat
ls
