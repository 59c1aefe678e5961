# A trace has an event per step and run, with operator, node, shapes and kernel.
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --profile one.json --quiet
maas-run "$DIGITS/digits.onnx" "$DIGITS/images/3.npy" --profile five.json --repeat 5 --quiet >/dev/null
"$PYTHON" - <<'PY'
import json
one, five = (json.load(open(name))["traceEvents"] for name in ("one.json", "five.json"))
for event in one + five:
    assert event["ph"] == "X" and event["dur"] >= 0 and event["ts"] >= 0 and event["tid"] > 0, event
# A thread that helps with a step has a row of its own, within the time of that step.
steps = [event for event in five if "args" in event]
assert len({event["tid"] for event in steps}) == 1
for part in (event for event in five if "args" not in event):
    assert part["tid"] != steps[0]["tid"], part
    assert any(step["name"] == part["name"] and step["ts"] <= part["ts"] + 0.001
               and part["ts"] + part["dur"] <= step["ts"] + step["dur"] + 0.001 for step in steps), part
one = [event for event in one if "args" in event]
assert len(steps) == 5 * len(one) > 0, (len(one), len(steps))
for event in one:
    assert all(event["args"][key] for key in ("operator", "node", "shapes", "kernel")), event
assert all(a["ts"] + a["dur"] <= b["ts"] + 0.001 for a, b in zip(one, one[1:]))
assert {"Conv", "Gemm", "Softmax"} <= {event["args"]["operator"] for event in one}
PY
