"""Writes gradient-fixtures/: gradients that PyTorch computes in double precision. Needs torch; the tests do not."""
import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)
HERE = pathlib.Path(__file__).parent / "gradient-fixtures"
STEPS, BATCH, INPUT, HIDDEN = 3, 2, 3, 2
# PyTorch's gates in ONNX's order.
ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}


def in_order(op, tensor):
    """Rows of PyTorch's gates, as ONNX orders them."""
    parts = tensor.chunk(len(ORDER[op]))
    return torch.cat([parts[i] for i in ORDER[op]])


def loss(outputs):
    return sum(torch.sin(output * (1 + i / 2)).sum() for i, output in enumerate(outputs))


def recurrent(op, bidirectional):
    directions = 2 if bidirectional else 1
    module = getattr(torch.nn, op)(INPUT, HIDDEN, bidirectional=bidirectional)
    x = torch.rand(STEPS, BATCH, INPUT, requires_grad=True)
    states = [torch.rand(directions, BATCH, HIDDEN, requires_grad=True) for _ in range(2 if op == "LSTM" else 1)]
    y, last = module(x, tuple(states) if op == "LSTM" else states[0])
    # ONNX: [steps, directions, batch, hidden]
    y = y.reshape(STEPS, BATCH, directions, HIDDEN).transpose(1, 2)
    loss([y, *(last if op == "LSTM" else [last])]).backward()

    def stacked(kinds, pick):
        suffixes = ["", "_reverse"][:directions]
        return torch.stack(
            [torch.cat([in_order(op, pick(getattr(module, f"{kind}_l0{end}"))) for kind in kinds]) for end in suffixes])

    def tensors(pick, prefix=""):
        made = {
            "x": pick(x), "w": stacked(["weight_ih"], pick), "r": stacked(["weight_hh"], pick),
            "b": stacked(["bias_ih", "bias_hh"], pick), **dict(zip("hc", map(pick, states)))}
        return {prefix + name: value.tolist() for name, value in made.items()}

    attributes = {"direction": "bidirectional" if bidirectional else "forward"}
    if op == "GRU":
        attributes["linear_before_reset"] = 1
    return {
        "op": op, "attributes": attributes, "outputs": ["o", "oh", "oc"][: len(states) + 1],
        "inputs": tensors(lambda t: t.detach()), "gradients": tensors(lambda t: t.grad, "d")}


def attention(heads, key_heads, causal, masked):
    # The scale, which is a float in ONNX, is exact for heads of 4.
    shapes = {"q": (1, heads, 3, 4), "k": (1, key_heads, 3, 4), "v": (1, key_heads, 3, 2)}
    q, k, v = (torch.randn(shape, requires_grad=True) for shape in shapes.values())
    mask = torch.randn(3, 3) if masked else None
    y = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=heads != key_heads)
    torch.sin(y).sum().backward()
    inputs = {"q": q, "k": k, "v": v, **({"mask": mask} if masked else {})}
    return {
        "attributes": {"is_causal": int(causal)}, "inputs": {name: x.detach().tolist() for name, x in inputs.items()},
        "gradients": {f"d{name}": inputs[name].grad.tolist() for name in "qkv"}}


def write(name, cases):
    HERE.mkdir(exist_ok=True)
    (HERE / name).write_text(json.dumps(cases) + "\n")


write("recurrent.json", {
    f"{op}{'-bidirectional' if both else ''}": recurrent(op, both) for op in ORDER
    for both in (False, True)})  # fmt: skip
write("attention.json", {
    "plain": attention(2, 2, False, False), "causal": attention(2, 2, True, False),
    "mask": attention(2, 2, False, True),
    "grouped": attention(4, 2, True, False)})  # fmt: skip
