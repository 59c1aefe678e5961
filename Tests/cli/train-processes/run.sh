# Two processes train together: the same model as of one with batches twice as large, up to rounding. One that dies ends
# the job, and the checkpoint is there to go on from. They share the weights of the second layer, where these are large
# enough for that; a limit of the norm needs their whole gradient.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(5)
x = random.normal(size=(1003, 12)).astype(np.float32)
np.savez("data.npz", x=x, y=(x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(np.int64))
PY
options=(data.npz --layers 300,256 --patience 0 --threads 1 --quiet)
train() { maas-train "${options[@]}" "$@"; }
job() { mpirun -n 2 "$(command -v maas-train)" "${options[@]}" "$@"; }

# The second time the weights of the two halves of a batch differ.
weights=(--option class_weights=0.1,3 --option label_smoothing=0.1)
train --batch-size 32 --epochs 6 --out one.onnx
job --batch-size 16 --epochs 6 --out two.onnx
train "${weights[@]}" --batch-size 32 --epochs 6 --out one-weighted.onnx
job "${weights[@]}" --batch-size 16 --epochs 6 --out two-weighted.onnx
train --option clip_norm=0.1 --batch-size 32 --epochs 6 --out one-clipped.onnx
job --option clip_norm=0.1 --batch-size 16 --epochs 6 --out two-clipped.onnx
"$PYTHON" - <<'PY'
import json, numpy as np, onnx
from onnx import numpy_helper
def numbers(name):
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(name + ".onnx").graph.initializer}
def figures(name):
    return [v for part in json.load(open(name + ".json"))["results"].values() for v in part.values()]
for end in ("", "-weighted", "-clipped"):
    one, two = numbers("one" + end), numbers("two" + end)
    assert one.keys() == two.keys()
    for name, value in one.items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(value, two[name], rtol=0, atol=2e-5, err_msg=name + end)
    np.testing.assert_allclose(figures("one" + end), figures("two" + end), rtol=1e-4)
weighted = {n: v for n, v in numbers("one-weighted").items() if v.dtype == np.float32}
assert any(np.abs(numbers("one")[n] - v).max() > 1e-2 for n, v in weighted.items())
print("two processes: the same model, also where classes have weights")
PY

# A batch whose loss is not finite on one process: no process takes the step, and each says which it was. Only what the
# second one gets of a batch, the rows with 1, becomes large after a step of 1e20, and so does the loss, not its gradient.
echo 'layers: []' >linear.yaml
"$PYTHON" - <<'PY'
import numpy as np
half = np.tile(np.repeat([0.0, 1.0], 4), 8)
np.savez("halves.npz", x=np.c_[half, half * 2].astype(np.float32), y=half + np.arange(64) / 64)
PY
rc=0
mpirun -n 2 bash -c 'maas-train "$@" 2>err.$OMPI_COMM_WORLD_RANK' - halves.npz --network linear.yaml --scale none \
  --validation 0 --test 0 --freeze '*/bias' --patience 0 --epochs 3 --batch-size 4 --option shuffle=false \
  --learning-rate 1e20 --threads 1 --quiet --out never.onnx >out 2>&1 || rc=$?
[ $rc -ne 0 ] && [ ! -e never.onnx ]
cat err.0 err.1 | sort -u

# Weights lie in the order of the kernels, which must be the same.
rc=0
mpirun -n 2 bash -c 'if [ $OMPI_COMM_WORLD_RANK = 1 ]; then export MAAS_ISA=scalar; fi; maas-train "$@" 2>err.$OMPI_COMM_WORLD_RANK' - \
  "${options[@]}" --out never.onnx >out 2>&1 || rc=$?
[ $rc -ne 0 ] && [ ! -e never.onnx ]
cat err.0 err.1 | sort -u

# Statistics of batches are means over the processes.
job --batch-norm --batch-size 16 --epochs 3 --out norm.onnx
maas-run norm.onnx --inputs

rc=0
job --batch-size 4 --epochs 200 --checkpoint run --out never.onnx >out 2>err & pid=$!
until [ -e run/training ]; do sleep 0.1; done
pkill -9 -n -f 'maas-train data.npz .*never.onnx'
wait $pid || rc=$?
[ $rc -ne 0 ] && [ ! -e never.onnx ] && [ -s err ]
echo 'a process dies: the job ends'
job --batch-size 4 --epochs 200 --checkpoint run --resume --out resumed.onnx
"$PYTHON" -c 'import json; assert json.load(open("resumed.json"))["epochs"] == 200'
echo 'and goes on from its checkpoint'
