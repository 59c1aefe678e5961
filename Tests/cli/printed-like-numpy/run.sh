# What is printed is what NumPy prints of the outputs.
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/all.npy" -o out.npz >text
"$PYTHON" - <<'PY' | diff - text
import numpy as np
names = {"float32": "float", "float64": "double"}
arrays = np.load("out.npz")
texts = [f"{k}: {names.get(a.dtype.name, a.dtype.name)} {list(a.shape)}\n{str(a)}\n" for k, a in arrays.items()]
print("\n".join(texts), end="")
PY
