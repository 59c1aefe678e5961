# Interruptions of maas-train: kill -9 at any moments and --resume give the model that an undisturbed training gives;
# Ctrl-C writes the best one so far; a full disk leaves what was there before.
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(3)
x = random.normal(size=(3000, 20)).astype(np.float32)
y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2]
header = ",".join([f"x{i}" for i in range(20)] + ["y"])
np.savetxt("data.csv", np.c_[x, y], delimiter=",", header=header, comments="", fmt="%.6g")
PY
# In the background it must be the program itself that signals reach.
options=(data.csv --layers 128,64 --dropout 0.1 --epochs 300 --patience 0 --schedule cosine --quiet)
train() { maas-train "${options[@]}" "$@"; }
train --out whole.onnx

# 20 times: some epochs further than before, then at a random moment, be it in the middle of a checkpoint.
kept() { sed -n '/^state-/p' run/training 2>/dev/null || true; }
kills=0 RANDOM=11
while [ $kills -lt 20 ]; do
  before=$(kept)
  maas-train "${options[@]}" --out resumed.onnx --checkpoint run --checkpoint-every 0 --resume & pid=$!
  while [ "$(kept)" = "$before" ] && kill -0 $pid 2>/dev/null; do sleep 0.002; done
  sleep 0.0$((RANDOM % 30 + 10))
  kill -9 $pid 2>/dev/null || break
  wait $pid 2>/dev/null || kills=$((kills + 1))
done
[ $kills -ge 10 ]
train --out resumed.onnx --checkpoint run --resume
cmp whole.onnx resumed.onnx
[ "$(ls run | wc -l)" = 2 ]
echo 'resumed: the same model'
# The report has all epochs, the record too.
"$PYTHON" -c '
import json
a, b = (json.load(open(file)) for file in ("whole.json", "resumed.json"))
assert a["epochs"] == b["epochs"] == 300 and a["results"] == b["results"]'

refuse() {
  rc=0
  train --out none.onnx "$@" >out 2>err || rc=$?
  [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && [ ! -e none.onnx ]
  sed -i -E 's/(expected|found) data [^,;]*/\1 data …/g; s/state-[0-9]+/state-N/; s/[0-9a-f]{16}/CHECKSUM/g' err
  echo "$rc $(cat err)"
}
refuse --checkpoint run
refuse --checkpoint run --resume --seed 1
refuse --checkpoint run --resume --scale minmax
refuse --checkpoint run --resume --learning-rate 0.1

# Of the model that training goes on with it is the content that counts.
cp whole.onnx first.onnx
options=(data.csv --epochs 3 --quiet)
train --init first.onnx --out second.onnx --checkpoint going
"$PYTHON" -c '
import json
init = json.load(open("second.json"))["init"]
assert init["path"] == "first.onnx" and len(init["checksum"]) == 16'
cp second.onnx first.onnx
refuse --init first.onnx --checkpoint going --resume

# A disk that is full while a checkpoint is written: files may have 4 kB. The one before stays, and is gone on from.
options=(data.csv --layers 128,64 --patience 0 --quiet)
train --out short.onnx --epochs 12 >/dev/null
maas-train "${options[@]}" --epochs 12 --out long.onnx --checkpoint full --checkpoint-every 0 & pid=$!
while [ ! -e full/training ]; do sleep 0.002; done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
(ulimit -f 4 && refuse --epochs 12 --checkpoint full --checkpoint-every 0 --resume)
train --out long.onnx --epochs 12 --checkpoint full --resume
cmp short.onnx long.onnx
sed 's/maas-train checkpoint/something/' -i full/training
refuse --epochs 12 --checkpoint full --resume

# Ctrl-C, to the program alone.
maas-train "${options[@]}" --out stopped.onnx --epochs 100000 --checkpoint stopped & pid=$!
while [ ! -e stopped/training ]; do sleep 0.01; done
kill -INT $pid
wait $pid
maas-run stopped.onnx --inputs
[ -e stopped.html ] && [ -e stopped.json ]

# A full disk while the model is written.
cp whole.onnx before.onnx
rc=0
(ulimit -f 4 && train --out whole.onnx --epochs 1) >out 2>err || rc=$?
echo "$rc $(cat err)"
cmp before.onnx whole.onnx
[ -z "$(ls | grep -E 'unchecked|none|tmp|~')" ]
