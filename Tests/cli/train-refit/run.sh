# Few samples: once validation has said for how long, training begins again with the validation samples, too. The model
# is that of a training with all these samples and so many epochs, bit by bit, whatever interrupts the way there.
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(8)
x = random.normal(size=(600, 8)).astype(np.float32)
np.savez("data.npz", x=x, y=(x[:, 0] * x[:, 1] + x[:, 2] + random.normal(size=600) > 0).astype(np.int64))
PY
options=(data.npz --scale none --quiet --report report.json --record run.json)
figure() { "$PYTHON" -c 'import json, sys; r = json.load(open("run.json")); print(eval(sys.argv[1]))' "$1"; }

maas-train "${options[@]}" --no-refit --out first.onnx
validation=$(figure 'r["results"]["validation"]["loss"]') test=$(figure 'r["results"]["test"]["loss"]')
maas-train "${options[@]}" --out whole.onnx
best=$(figure 'r["best_epoch"]')
[ "$(figure 'r["refitted"], r["epochs"] - r["best_epoch"]')" = '(True, 50)' ]
# The validation samples are judged by the training that did not learn them, the test samples by the model.
[ "$(figure 'r["results"]["validation"]["loss"]')" = "$validation" ]
[ "$(figure 'r["results"]["test"]["loss"]')" != "$test" ]
maas-train "${options[@]}" --validation 0 --patience 0 --epochs "$best" --option ema=0.98 --out plain.onnx
# All but what stands for missing values, which is fitted before.
"$PYTHON" - <<'PY'
import onnx
whole, plain = (onnx.load(f"{name}.onnx").graph.initializer for name in ("whole", "plain"))
assert len(whole) == 4 and list(whole) == list(plain)
PY
echo 'again with all samples: the same model'

# A steady way: validation is best at the end, and the second training as long as the first.
options+=(--learning-rate 1e-5 --epochs 1500 --checkpoint-every 0)
maas-train "${options[@]}" --no-refit --out first.onnx
maas-train "${options[@]}" --out whole.onnx
begin() {
  maas-train "${options[@]}" --out "$1.onnx" --checkpoint "$1" & pid=$!
  until [ -e "$1/all/training" ]; do sleep 0.01; done
}
begin killed
kill -9 $pid
wait $pid 2>/dev/null || true
[ ! -e killed.onnx ]
maas-train "${options[@]}" --out killed.onnx --checkpoint killed --resume
cmp whole.onnx killed.onnx
# After its end there is nothing left to do.
maas-train "${options[@]}" --out killed.onnx --checkpoint killed --resume
cmp whole.onnx killed.onnx
echo 'killed in the second training: the same model'
begin stopped
kill -INT $pid
wait $pid
cmp first.onnx stopped.onnx
[ "$(figure 'r["refitted"]')" = False ]
echo 'ended in the second training: the model of the first one'

# Nothing else would judge the model, or the samples that say when to stop are elsewhere.
cp data.npz other.npz
for more in '--test 0' '--validation other.npz' '--patience 0'; do
  maas-train "${options[@]}" $more --epochs 3 --out none.onnx
  figure 'r["refitted"]'
  if maas-train "${options[@]}" $more --refit --out none.onnx 2>err; then exit 1; fi
  grep -o 'the model cannot be trained again' err
done
