"""Cases of com.microsoft's Tokenizer. See make-cases.py."""
import numpy as np

WORDS = "[a-zA-Z0-9_]+"
TEXTS = np.array(["a bc", "d", "", "x y_1 z!"], object)
ACCENTS = np.array(["aéb", "c d", "éé"], object)
ROWS = [
    (TEXTS, {"tokenexp": WORDS}),
    (TEXTS.reshape(2, 2), {"tokenexp": WORDS, "mark": 1}),
    (TEXTS, {"tokenexp": WORDS, "mincharnum": 2}),
    (TEXTS[2:3], {"tokenexp": WORDS, "mark": 1}),
    (ACCENTS, {"tokenexp": "."}),
    (ACCENTS, {"separators": [""], "mark": 1}),
    (ACCENTS, {"tokenexp": r"\S+", "mincharnum": 2}),
    (np.array(["a,b;c", "c,,d;"], object), {"separators": [",", ";"]}),
    (np.array(["a,b;c", "c,,d;"], object), {"separators": [";", ","], "mark": 1}),
    (np.array(["a1b22c", "33"], object), {"separators": ["[0-9]+"], "pad_value": "none"}),
    (np.array(["aab ab", "xx"], object), {"tokenexp": "a|aa|ab*"}),
    (np.array(["aab", "xx"], object), {"tokenexp": "a*"}),
    (np.array(["a b", "c"], object), {"tokenexp": r"^\w"}),
    (np.array(["ab ab", "b"], object), {"tokenexp": r"\bb"}),
    (np.array(["a\nbc", "c"], object), {"tokenexp": ".+"}),
]


def cases():
    for i, (texts, attributes) in enumerate(ROWS):
        whole = {"pad_value": "#", "mincharnum": 1, "mark": 0} | attributes
        yield f"tokenizer_{i}", "Tokenizer", 1, whole, [texts], {"domain": "com.microsoft"}
