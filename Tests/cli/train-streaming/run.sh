# Data larger than the memory that maas-train may have: features are computed anew for each batch, and the model is the
# one that much memory gives.
"$PYTHON" - <<'PY'
import numpy as np
random = np.random.default_rng(8)
x = random.normal(size=(1000, 4000)).astype(np.float32)
x = np.concatenate([x + np.float32(i) for i in range(24)])
np.savez("arrays.npz", x=x, y=(x[:, 0] + x[:, 1] > 24).astype(np.int64))
# The same rows again and again; targets follow from them.
rows = [",".join(f"{v:.3f}" for v in row) + f",{row[0] - row[1]:.3f}" for row in random.normal(size=(400, 500))]
with open("table.csv", "w") as file:
    file.write(",".join([f"x{i}" for i in range(500)] + ["y"]) + "\n")
    for _ in range(50):
        file.write("\n".join(rows) + "\n")
PY

# check DATA MOST: as much memory of its own as it needs, or MOST kilobytes. What it maps of files does not count, as
# the system can drop that.
check() {
  local options=("$1" --layers 16 --epochs 2 --batch-size 256 --threads 1 --quiet) rc=0
  maas-train "${options[@]}" --out much.onnx
  (ulimit -d "$2" && maas-train "${options[@]}" --memory 8 --out little.onnx)
  cmp much.onnx little.onnx
  (ulimit -d "$2" && maas-train "${options[@]}" --out never.onnx) >/dev/null 2>err || rc=$?
  [ $rc = 1 ] && grep -q 'no memory for a tensor of' err
  echo "$1: the same model with little memory"
}
[ "$(stat -c %s arrays.npz)" -gt $((180000 * 1024 * 2)) ]
check arrays.npz 110000
check table.csv 75000
