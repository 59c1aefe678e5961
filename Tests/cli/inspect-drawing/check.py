import itertools
import json
import re
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SVG = "{http://www.w3.org/2000/svg}"


def network(path, layers):
    """Residual blocks with names that would be markup, and an input that all of them read."""
    nodes, last = [], "x"
    for i in range(layers):
        names = [f"</script><b>&\"'{part}{i}" for part in "pqr"]
        nodes += [
            helper.make_node("MatMul", [last, "w"], [names[0]]),
            helper.make_node("Add", [names[0], "mask"], [names[1]]),
            helper.make_node("Add", [names[1], last], [names[2]], name=f"<{i}>"),
        ]
        last = names[2]
    graph = helper.make_graph(
        nodes, "<graph>", [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n<1>", 4]) for n in ("x", "mask")],
        [helper.make_empty_tensor_value_info(last)], [numpy_helper.from_array(np.zeros((4, 4), np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def inspect(path, *options):
    subprocess.run(["maas-model", "inspect", path, *options], check=True, stdout=subprocess.DEVNULL)


def frames(root):
    """The rectangle of each box."""
    for box in root.iter(f"{SVG}g"):
        if box.get("class") == "box":
            rect = box.find(f"{SVG}rect")
            yield [float(rect.get(name)) for name in ("x", "y", "width", "height")]


def check(path, nodes, ends):
    root = ET.parse(path).getroot()
    found = list(frames(root))
    assert len(found) == nodes + ends, len(found)
    for (x, y, w, h), (x2, y2, w2, h2) in itertools.combinations(found, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    width, height = (float(root.get(name)) for name in ("width", "height"))
    for x, y, w, h in found:
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height
    return root


network("strange.onnx", 33)
inspect("strange.onnx", "--svg", "strange.svg", "--html", "page.html")
root = check("strange.svg", 99, 3)
texts = [text.text for text in root.iter(f"{SVG}text")]
assert "strange.onnx: <graph>" in texts
assert texts.count("MatMul") == 33 and texts.count("Add") == 66
assert texts.count("[n<1>, 4]") == 2 + 99, texts.count("[n<1>, 4]")
assert texts.count("float [4, 4]") == 33
# From top to bottom, what is made before it is read: the mask's 33 edges and the others end at boxes below.
assert len(root.findall(f".//{SVG}path[@class='edge']")) == 33 * 5 + 1

page = open("page.html").read()
assert not re.search(r"""(src|href)\s*=|url\((?!#)|@import|fetch\(|https?://(?!www\.w3\.org/2000/svg)""", page)
scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)
assert len(scripts) == 2, len(scripts)
data = json.loads(scripts[0])
assert len(data["boxes"]) == 102
third = data["boxes"][4]
assert third["kind"] == "Add" and third["name"] == "<0>"
assert [v["name"] for v in third["inputs"]] == ["</script><b>&\"'q0", "x"]
assert third["outputs"] == [{"name": "</script><b>&\"'r0", "type": "float [n<1>, 4]", "constant": False}]

# Many layers are no trouble.
network("strange.onnx", 700)
inspect("strange.onnx", "--svg", "slow.svg")
assert len(list(frames(ET.parse("slow.svg").getroot()))) == 2103
