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

# Models of other programs: a classifier with a label in front, whose input is of doubles; one of bytes.
"$PYTHON" - <<'PY'
import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper

def classifier(path, dtype, classes):
    random = np.random.default_rng(3)
    shapes = {"w1": (6, 16), "b1": (16,), "w2": (16, classes), "b2": (classes,)}
    nodes = [("Cast", "x", "f", {"to": 1}), ("Gemm", "f w1 b1", "g", {}), ("Relu", "g", "h", {}),
             ("Gemm", "h w2 b2", "scores", {}), ("Softmax", "scores", "chances", {"axis": 1}),
             ("ArgMax", "chances", "class", {"axis": 1, "keepdims": 0})]
    graph = helper.make_graph(
        [helper.make_node(op, i.split(), [o], **a) for op, i, o, a in nodes], "other",
        [helper.make_tensor_value_info("x", dtype, ["n", 6])],
        [helper.make_tensor_value_info("class", T.INT64, ["n"]),
         helper.make_tensor_value_info("chances", T.FLOAT, ["n", classes])],
        [numpy_helper.from_array(random.normal(size=s).astype(np.float32) / 3, n) for n, s in shapes.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)

classifier("double.onnx", T.DOUBLE, 2)
classifier("three.onnx", T.FLOAT16, 3)
classifier("bytes.onnx", T.UINT8, 2)
PY
maas-train data.csv --init double.onnx --epochs 30 --learning-rate 0.02 --out going.onnx --predictions going.csv \
  | grep '^network'
maas-train data.csv --init three.onnx --epochs 30 --learning-rate 0.02 --out two.onnx --quiet
maas-train data.csv --init going.onnx --epochs 1 --out again.onnx | grep '^network'
if maas-train data.csv --init bytes.onnx --epochs 1 --out none.onnx --quiet 2>err; then exit 1; fi
grep -o "the input's type does not have this number.*expected uint8" err
"$PYTHON" - <<'PY'
import csv
import numpy as np
import onnx
import onnxruntime

rows = list(csv.reader(open("data.csv")))[1:]
x = np.array([row[:6] for row in rows], np.float32)
truth = np.array([row[6] for row in rows])
for path in ("going.onnx", "two.onnx", "again.onnx"):
    types = [node.op_type for node in onnx.load(path).graph.node]
    label, chances = onnxruntime.InferenceSession(path).run(None, {"features": x})
    print(path, types.count("Softmax"), "softmax, better than 0.85:", (label == truth).mean() > 0.85, chances.shape[1])
said = list(csv.reader(open("going.csv")))
session = onnxruntime.InferenceSession("going.onnx")
for row in said[1:]:
    found = session.run(None, {"features": x[int(row[0]) - 1][None]})[1][0]
    assert np.allclose(found, np.array(row[3:], float), atol=1e-5)
print("answers", len(said) - 1)
PY
