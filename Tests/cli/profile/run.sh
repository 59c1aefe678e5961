# A trace has an event per step and run, with operator, node, shapes and kernel.
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --profile one.json --quiet
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --profile five.json --repeat 5 --quiet >/dev/null
"$PYTHON" - <<'PY'
import json
one, five = (json.load(open(name))["traceEvents"] for name in ("one.json", "five.json"))
assert len(five) == 5 * len(one) > 0, (len(one), len(five))
for event in one:
    assert event["ph"] == "X" and event["dur"] >= 0 and event["ts"] >= 0, event
    assert all(event["args"][key] for key in ("operator", "node", "shapes", "kernel")), event
assert all(a["ts"] + a["dur"] <= b["ts"] + 0.001 for a, b in zip(one, one[1:]))
assert {"Conv", "Gemm", "Softmax"} <= {event["args"]["operator"] for event in one}
PY
