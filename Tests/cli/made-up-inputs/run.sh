# Equal seeds give equal inputs, and a size must be known for each dimension.
cp "$DIGITS/digits.onnx" .
run() { maas-run digits.onnx "$@"; }
run --random --shape N=2 -o default.npz -q
run --shape N=2 --random 0 -o zero.npz -q
run --random --shape N=2 -q -o again.npz
run --random=1 --shape N=2 -o one.npz -q
run --random "$DIGITS/images/3.npy" -o given.npz -q
cmp default.npz zero.npz
cmp default.npz again.npz
! cmp -s default.npz one.npz
"$PYTHON" -c 'import numpy as np; print(np.load("one.npz")["label"].shape, np.load("given.npz")["label"])'
run --random 2>&1 || echo "exit code $?"
run 2>&1 || echo "exit code $?"
run --random --shape N=99999999999999 2>&1 || echo "exit code $?"
