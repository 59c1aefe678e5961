# What maas-train has beside the plain way: folds, search, specifications, going on with a model, deploying.
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(5)
x = random.normal(size=(500, 6)).astype(np.float32)
y = np.where(x[:, 0] + x[:, 1] * x[:, 2] > 0, "up", "down")
np.save("features.npy", x[:50])
rows = [",".join(f"{v:.6g}" for v in row) + f",{name}" for row, name in zip(x, y)]
open("data.csv", "w").write("\n".join(["a,b,c,d,e,f,way"] + rows) + "\n")
PY
cat >net.yaml <<'YAML'
layers:
  - dense 24 activation=tanh
  - dropout: 0.1
  - dense: {units: 12, activation: relu}
options: {learning_rate: 0.01, update_rule: adamw}
YAML

maas-train data.csv --epochs 15 --folds 3 --out folds.onnx | grep -c '^3 folds (350): accuracy'
maas-train data.csv --epochs 15 --search 3 --out search.onnx | grep -c '^trial [123]'
maas-train data.csv --epochs 15 --network net.yaml --out first.onnx | grep '^network\|^training '
maas-train data.csv --epochs 15 --balance --quantize int8 --compile --out deployed.onnx --report deployed.txt --quiet
grep '^model\|^quantized' deployed.txt
for model in deployed.onnx deployed.int8.onnx deployed.maas; do maas-run $model features.npy --quiet; done

# Going on: what is frozen stays, the rest moves.
maas-train data.csv --init first.onnx --freeze 'dense_1/*' --epochs 3 --out second.onnx --quiet
maas-train data.csv --init first.onnx --lora 2 --epochs 3 --out third.onnx --quiet
"$PYTHON" - <<'PY'
import numpy as np
import onnx
from onnx import numpy_helper

def weights(path):
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}

first, second, third = (weights(f"{n}.onnx") for n in ("first", "second", "third"))
for name in ("dense_1/weight", "dense_1/bias"):
    assert (first[name] == second[name]).all(), name
assert (first["dense_2/weight"] != second["dense_2/weight"]).any()
change = third["dense_1/weight"] - first["dense_1/weight"]
assert 0 < np.linalg.matrix_rank(change, tol=1e-5) <= 2
assert (first["numbers/offset"] == second["numbers/offset"]).all()
print("frozen parameters stayed, LoRA changed the weights by rank", np.linalg.matrix_rank(change, tol=1e-5))
PY
