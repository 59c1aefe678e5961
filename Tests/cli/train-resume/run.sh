# Interruptions of maas-train: kill -9 at any moment and --resume give the model that an undisturbed training gives;
# Ctrl-C writes the best one so far; a full disk leaves what was there before.
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(3)
x = random.normal(size=(6000, 20)).astype(np.float32)
y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2]
np.savetxt("data.csv", np.c_[x, y], delimiter=",", header=",".join([f"x{i}" for i in range(20)] + ["y"]), comments="", fmt="%.6g")
PY
# In the background it must be the program itself that signals reach.
options=(data.csv --layers 128,64 --dropout 0.1 --epochs 40 --patience 0 --schedule cosine --quiet)
train() { maas-train "${options[@]}" "$@"; }
train --out whole.onnx

kills=0
rm -rf run
while
  maas-train "${options[@]}" --out resumed.onnx --checkpoint run --resume & pid=$!
  (sleep "$((kills / 10)).$((kills % 10))5" && kill -9 $pid 2>/dev/null || true) &
  ! wait $pid 2>/dev/null
do
  kills=$((kills + 1))
  [ ! -e resumed.onnx ] && [ $kills -lt 100 ]
done
[ $kills -gt 0 ]
cmp whole.onnx resumed.onnx
echo 'resumed: the same model'
# The report has all epochs, the record too.
"$PYTHON" -c 'import json; a, b = (json.load(open(f))  for f in ("whole.json", "resumed.json")); assert a["epochs"] == b["epochs"] == 40 and a["results"] == b["results"]'

refuse() {
  rc=0
  train --out none.onnx "$@" >out 2>err || rc=$?
  [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && [ ! -e none.onnx ]
  echo "$rc $(sed -E 's/(expected|found) data [^,;]*/\1 data …/g; s/state-[0-9]+/state-N/' err)"
}
refuse --checkpoint run
refuse --checkpoint run --resume --seed 1
refuse --checkpoint run --resume --learning-rate 0.1
sed 's/maas-train checkpoint/something/' -i run/training
refuse --checkpoint run --resume

# Ctrl-C, to the program alone.
maas-train "${options[@]}" --out stopped.onnx --epochs 100000 & pid=$!
sleep 3
kill -INT $pid
wait $pid
maas-run stopped.onnx --inputs
[ -e stopped.html ] && [ -e stopped.json ]

# A disk that is full: files may have 4 kB.
cp whole.onnx before.onnx
rc=0
(ulimit -f 4 && train --out whole.onnx --epochs 1) >out 2>err || rc=$?
echo "$rc $(cat err)"
cmp before.onnx whole.onnx
[ -z "$(ls | grep -E 'unchecked|none|tmp|~')" ]
