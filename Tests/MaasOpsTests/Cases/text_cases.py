"""Cases of the operators on strings and of those that look elements up among keys. See make-cases.py."""
import numpy as np
from onnx import numpy_helper

random = np.random.default_rng(17)
ML = {"domain": "ai.onnx.ml"}


def strings(*texts, shape=None):
    return np.array(texts, object).reshape(shape or [len(texts)])


def listed(dtype, *values):
    return numpy_helper.from_array(np.array(values, dtype))


def cases():
    for group in (normalized, split, concatenated, patterns, n_grams, labels, categories):
        yield from group()


def normalized():
    words = "Monday tuesday MONDAY monday straße ÄÖ äö Ǆ ΣΩ ﬁn".split()
    cased = {"LOWER": str.lower, "UPPER": str.upper, "NONE": str}
    for action, change in cased.items():
        kept = [change(w) for w in words if w != "Monday" and w != "äö"]
        attributes = {"case_change_action": action, "is_case_sensitive": 1, "stopwords": ["Monday", "äö"]}
        yield (f"normalized_sensitive_{action}", "StringNormalizer", 10, attributes, [strings(*words)],
            {"expected": [strings(*kept)]})
        kept = [change(w) for w in words if w.lower() not in ("monday", "äö")]
        attributes = {"case_change_action": action, "stopwords": ["mONday", "Äö"], "locale": "en_US.UTF-8"}
        yield (f"normalized_{action}", "StringNormalizer", 10, attributes, [strings(*words, shape=[1, -1])],
            {"expected": [strings(*kept, shape=[1, -1])]})
    # The pairs of Unicode's SpecialCasing.txt for tr and az.
    for locale, action, text, expected in (("tr_TR.UTF-8", "UPPER", "iıI", "İII"), ("az", "LOWER", "Iİi", "ıii"),
                                           ("tr-TR", "NONE", "iI", "iI"), ("try", "UPPER", "i", "I")):  # fmt: skip
        attributes = {"case_change_action": action, "locale": locale}
        yield (f"normalized_{locale}_{action}", "StringNormalizer", 10, attributes, [strings(text)],
            {"expected": [strings(expected)]})
    attributes = {"stopwords": ["a"]}
    yield ("normalized_all_dropped", "StringNormalizer", 10, attributes, [strings("a", "A", shape=[1, 2])],
        {"expected": [strings("", shape=[1, 1])]})
    yield "normalized_nothing", "StringNormalizer", 10, {}, [strings()], {"expected": [strings("")]}
    yield ("normalized_empty_strings", "StringNormalizer", 10, attributes, [strings("", "b", "")],
        {"expected": [strings("", "b", "")]})


def split():
    # ONNX Runtime finds no part in an empty string and knows one kind of white space: these are onnx.reference's.
    spaced = strings(" a  b c ", "x\ty\nz\rw", "", "\u3000d\u00a0e\u2003", "f\x1cg\x85h", "   ", "日 本")
    plain = strings("a,b,,c", ",a,", "", ",", "ab", "日,本", shape=[3, 2])
    double = strings("ab--cd", "----", "a-b---c", "--", shape=[2, 1, 2])
    for name, x, delimiter in (("space", spaced, None), ("empty", spaced, ""), ("comma", plain, ","),
            ("dashes", double, "--"), ("wide", plain, "日")):
        for limit in (None, -1, 0, 1, 2):
            attributes = {} if delimiter is None else {"delimiter": delimiter}
            if limit is not None:
                attributes["maxsplit"] = limit
            yield f"split_{name}_{limit}", "StringSplit", 20, attributes, [x], {"outputs": 2, "reference": True}
    yield "split_scalar", "StringSplit", 20, {}, [strings("a b c", shape=[])], {"outputs": 2}
    yield ("split_nothing", "StringSplit", 20, {"delimiter": ","}, [strings(shape=[0, 3])],
        {"outputs": 2, "reference": True})


def concatenated():
    x, y = strings("a", "", "日本", "d", "e", "f", shape=[2, 1, 3]), strings("", "é", "z", "w", shape=[4, 1])
    for name, a, b in (("both", x, y), ("same", x, x), ("scalar", strings("p", shape=[]), y),
            ("empty", y, strings(shape=[0, 1, 1]))):
        yield f"concat_{name}", "StringConcat", 20, {}, [a, b], {}


TEXTS = strings(
    "", "a", "aa", "b", "ab", "abc", "A", "AB", "é", "É", "日本", "a\n", "\n", "a\nb", "1", "12", "a1_", " ", "a b", "-",
    "]", "^", "\\",
    "k", "K", "\u212a", "s", "ſ", "ß", "ẞ", "σ", "ς", "Σ", "{2}", "a{,2}", "*", "a*b", "\t", "\v", "\x00x", "𝔘",
    "ab@c.org", "2026-11-25", "1.2.3.4",
)  # fmt: skip
UNICODE_SETS = r"""
\pL+ \PL+ \p{L}*\p{Nd} \p{^L} [^\pL] \p{Lu}\p{Ll} \p{Lt} \p{Lm} \p{Lo} \pM \p{Mn} \p{Mc} \p{Me} \pN \p{Nd} \p{Nl} \p{No}
\pP \p{Pc} \p{Pd} \p{Ps} \p{Pe} \p{Pi} \p{Pf} \p{Po} \pS \p{Sm} \p{Sc} \p{Sk} \p{So} \pZ \p{Zs} \p{Zl} \p{Zp} \pC
\p{Cc} \p{Cf} \p{Co} \PC \P{Co} [\pL\p{Pd}]+ (?i)\p{Lu}+ (?i)\P{Ll}
"""
PATTERNS = r"""
a|ab|abc
a*|b
(a|b)*
(?:a|b){2,3}
a{2}
a{0}
a{0,1}b?
a{1,}
a{,2}
a{
a??
(a*)*
(a*)+
(|a)*
(a|)*b
()
(|)
.
.*
(?s).
(?s).*
(?i)a
(?i)AB|É
(?i)k
(?i)\x{212a}
(?i)[k]
(?i)[^k]
(?i)[\x{212a}-\x{212b}]
(?i)ſ
(?i)[ſ]
(?i)\w
(?i)\W
(?i)[^\W]
(?i)ß
(?i)ς
(?i)[Α-Ω]
(?i:a)b
(?i)a(?-i)b
((?i)a)b
(?i:(?-i:a)B)
(?i-i:a)
(?ims-U)a
(?)a
^a$
^*a
a^b
(?m)a$\n^b
(?m)a$(?s:.)b
a$\nb
\Aa\z
a\b
\ba\b.*
\Ba
a\B.*
\b
\B
(?:\b|\B)*
\d+
\D
\s
\S+
\w+
\W
[a]
[^a]
[a-c]+
[]a]
[^]a]
[a-]
[-a]
[\]\-\\^]
[^^]
[\d\s]
[^\d\s]
[\D1]
[\x61-\x63]
[\x{65e5}\x{672c}]+
[[:alpha:]]+
[[:^alpha:]]
[[:digit:]_a]+
[[:space:]]
[[:punct:]]
[[:word:]]
[[:xdigit:]]+
[[:ascii:]]
[[:cntrl:]]
[[:upper:][:lower:]]
[^[:^alpha:]]
[:a]
\p{Any}
\x61
\x{1D518}
\141
\0x
\a|\f|\n|\r|\t|\v
\Qa*b\E
\Qa*b
\Qa\E{2}
\Q\E
\.|\*|\-|\_|\{2\}
(?P<x>a)(?P<y>b)
(?<x>a)b
[a-z]+@[a-z]+\.(com|org)
\d{4}-\d{2}-\d{2}
(\d{1,3}\.){3}\d{1,3}
(a?){20}a{2}
((a{1,10}){1,10}){1,10}
(((a|b)|c)|(d|(e|f)))*
(a|b|ab)*c
[^\x00-\x{10FFFF}]
\x{D800}|a
(?s).{1000}|a
"""


def patterns():
    for i, pattern in enumerate(PATTERNS.strip("\n").split("\n")):
        yield f"pattern_{i:03}", "RegexFullMatch", 20, {"pattern": pattern}, [TEXTS], {}
    yield "pattern_empty", "RegexFullMatch", 20, {"pattern": ""}, [TEXTS], {}
    yield "pattern_newline", "RegexFullMatch", 20, {"pattern": "(a|\n)*b?"}, [TEXTS], {}
    # What takes a backtracking matcher as many steps as there are ways through the text.
    long = strings("a" * 400, "a" * 400 + "b", "ab" * 200)
    for i, pattern in enumerate(("(a*)*", "(a+)+b", "(a|aa)+", "(a|a?)+$", "(.*)*b", "(a?){50}a{50}", "(.*a){20}",
            "((ab?)*)*", "(a{0,100}){0,9}b")):
        yield f"pattern_hostile_{i}", "RegexFullMatch", 20, {"pattern": pattern}, [long], {"tolerance": None}
    # One of each general category, and what is not assigned; then words of several.
    kinds = strings(*"Aaǅʰªªͅःあآ\u0301\u0903\u20dd3٣Ⅷ²_-([)]«»!§+€^©\u00a0\u2028\u2029\x01\u00ad\u200d\ue000\u0378𝔘𐐀😀",
        "Éa", "日本3", "a-b", "", "\U000f0001")
    for i, pattern in enumerate(UNICODE_SETS.split()):
        yield f"pattern_category_{i}", "RegexFullMatch", 20, {"pattern": pattern}, [kinds], {}
    # Scalars whose upper case is several scalars and the same.
    folding = strings(*"ﬅﬆΐΐΰΰẞßᾀᾈǅǆǄſsK", "st", "SS")
    for i, pattern in enumerate("ﬅ [ﬆ] \u0390 [\u1fd3] \u1fe3 ß [ᾈ] ǆ K".split()):
        yield f"pattern_folding_{i}", "RegexFullMatch", 20, {"pattern": "(?i)" + pattern}, [folding], {}


def n_grams():
    pool = {"ngram_counts": [0, 3], "ngram_indexes": [4, 3, 2, 1, 0], "pool_int64s": [2, 3, 5, 2, 3, 5, 2]}
    base = pool | {"min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 1, "mode": "TF"}
    x = np.array([2, 3, 5, 2, 3, 2], np.int64)
    weights = [0.5, 10.0, 100.0, 1000.0, 10000.0]
    for mode in ("TF", "IDF", "TFIDF"):
        for dtype in (np.int32, np.int64):
            yield (f"n_grams_{mode}_{dtype.__name__}", "TfIdfVectorizer", 9, base | {"mode": mode, "weights": weights},
                [x.astype(dtype)], {})
        yield f"n_grams_{mode}_no_weights", "TfIdfVectorizer", 9, base | {"mode": mode}, [x.reshape(2, 3)], {}
        yield (f"n_grams_{mode}_one_column", "TfIdfVectorizer", 9,
            base | {"mode": mode, "weights": weights, "ngram_indexes": [0, 0, 2, 1, 0]}, [x], {})
    for name, more in (("min_2", {"min_gram_length": 2}), ("max_1", {"max_gram_length": 1}),
                       ("counts_1", {"ngram_counts": [1, 3]}), ("skip_0", {"max_skip_count": 0}),
                       ("skip_many", {"max_skip_count": 1000}), ("gap", {"ngram_indexes": [9, 3, 2, 7, 0]}),
                       ("no_unigrams", {"ngram_counts": [3, 3]})):  # fmt: skip
        yield f"n_grams_{name}", "TfIdfVectorizer", 9, base | more, [x], {}
    yield "n_grams_empty", "TfIdfVectorizer", 9, base, [x[:0]], {}
    yield "n_grams_empty_rows", "TfIdfVectorizer", 9, base, [x.reshape(2, 3)[:, :0]], {}
    yield from random_n_grams()


def random_n_grams():
    for i in range(12):
        grams = [sorted({tuple(random.integers(0, 4, n)) for _ in range(4 * n)}) for n in (1, 2, 3)]
        flat = [int(word) for group in grams for gram in group for word in gram]
        starts = np.cumsum([0] + [n * len(g) for n, g in enumerate(grams, 1)])[:3].tolist()
        columns = random.permutation(sum(map(len, grams)))
        least, most = [(1, 1), (1, 3), (2, 3), (3, 3)][i % 4]
        attributes = {"mode": ["TF", "IDF", "TFIDF"][i % 3], "min_gram_length": least, "max_gram_length": most,
                      "max_skip_count": i % 5, "ngram_counts": starts, "ngram_indexes": columns.tolist(),
                      "weights": random.uniform(0, 2, len(columns)).round(2).tolist()}  # fmt: skip
        x = random.integers(0, 5, (2, 12))
        if i % 2:
            attributes["pool_strings"] = [f"w{word}" for word in flat]
            x = np.array([f"w{word}" for word in x.flat], object).reshape(x.shape)
        else:
            attributes["pool_int64s"] = flat
        yield f"n_grams_random_{i}", "TfIdfVectorizer", 9, attributes, [x], {}


def labels():
    x, n = strings("a", "z", "b", "", "c", shape=[5, 1]), np.array([0, 2, -1, 5, 1], np.int64)
    classes = {"classes_strings": ["a", "b", "c"]}
    for name, more in (("", {}), ("_default", {"default_int64": 7, "default_string": "none"})):
        yield f"label_1_string{name}", "LabelEncoder", 1, classes | more, [x], ML
        yield f"label_1_int64{name}", "LabelEncoder", 1, classes | more, [n], ML
    f = np.array([0, -0.0, 1, 2.5, np.inf, np.nan], np.float32)
    given = {"strings": x, "int64s": n, "floats": f}
    keys = {"strings": ["a", "b", "日"], "int64s": [5, -1, 1], "floats": [1.0, 0.0, float("inf")]}
    values = {"strings": ["x", "", "ü"], "int64s": [-3, 2**40, 0], "floats": [1.5, -2.0, 0.0]}
    defaults = {"strings": {"default_string": "?"}, "int64s": {"default_int64": 9}, "floats": {"default_float": 0.25}}
    for a in keys:
        for b in values:
            attributes = {f"keys_{a}": keys[a], f"values_{b}": values[b]}
            # ONNX Runtime has no kernel for some of the pairs.
            expected = values[b] + [{"strings": "_Unused", "int64s": -1, "floats": -0.0}[b]]
            places = {element: i for i, element in enumerate(keys[a])}
            result = [expected[places.get(element, 3)] for element in given[a].ravel().tolist()]
            result = np.array(result, {"strings": object, "int64s": np.int64, "floats": np.float32}[b]).reshape(
                given[a].shape)
            for opset in (2, 4):
                yield (f"label_{opset}_{a}_{b}", "LabelEncoder", opset, attributes, [given[a]],
                    ML | {"expected": [result]})
            for opset in (2, 4):
                yield f"label_default_{opset}_{a}_{b}", "LabelEncoder", opset, attributes | defaults[b], [given[a]], ML
    yield from label_tensors()


def label_tensors():
    types = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "int16": np.int16,
        "string": object}
    for a, from_type in types.items():
        for b, to_type in types.items():
            key = [str(i) for i in (7, 9, 8)] if a == "string" else [7, 9, 8]
            value = ["p", "q", "r"] if b == "string" else [1, 2, 3]
            attributes = {"keys_tensor": listed(from_type, *key), "values_tensor": listed(to_type, *value)}
            x = np.array(["9", "1", "7", "8"] if a == "string" else [9, 1, 7, 8], from_type)
            for name, more, fallback in (("", {}, "_Unused" if b == "string" else -1 if "int" in b else -0.0),
                                         ("_default", {"default_tensor": listed(to_type, *value[:1])},
                                          value[0])):  # fmt: skip
                expected = np.array([value[1], fallback, value[0], value[2]], to_type)
                yield f"label_{a}_{b}{name}", "LabelEncoder", 4, attributes | more, [x], ML | {"expected": [expected]}
    x = np.array([np.nan, 0.0, -0.0, 1, -np.nan])
    attributes = {"keys_tensor": listed(np.float64, np.nan, -0.0, 3), "values_tensor": listed(np.float64, 1, 2, 3)}
    yield "label_nan", "LabelEncoder", 4, attributes, [x], ML
    single = {"keys_tensor": listed(np.float32, np.nan), "values_strings": ["none"], "default_string": "some"}
    yield "label_nan_float", "LabelEncoder", 4, single, [x.astype(np.float32)], ML
    # "If a key is repeated, the last key takes precedence."
    repeated = {"keys_strings": ["a", "b", "a"], "values_int64s": [1, 2, 3]}
    yield "label_repeated", "LabelEncoder", 4, repeated, [strings("a", "b")], ML | {"reference": True}
    mixed = {"keys_int64s": [7], "values_tensor": listed(np.int64, 1), "default_int64": 5}
    yield "label_mixed", "LabelEncoder", 4, mixed, [np.array([7, 8])], ML
    yield ("label_default_tensor", "LabelEncoder", 4,
        {"keys_int64s": [7], "values_int64s": [1], "default_tensor": listed(np.int64, 9)}, [np.array([7, 8])], ML)
    yield ("label_nothing", "LabelEncoder", 4, {"keys_int64s": [7], "values_int64s": [1]}, [np.zeros((0, 2), np.int64)],
        ML)
    many = [f"key {'x' * (i % 20)} {i}" for i in range(300)]
    yield ("label_many", "LabelEncoder", 2, {"keys_strings": many, "values_int64s": list(range(300))},
        [strings(*many[::7], *many[:9], "key")], ML)


def categories():
    mapping = {"cats_int64s": [3, -4, 5], "cats_strings": ["c", "d", "c"]}
    for name, more in (("", {}), ("_default", {"default_int64": 0, "default_string": "none"})):
        yield f"category_string{name}", "CategoryMapper", 1, mapping | more, [strings("d", "c", "e")], ML
        yield f"category_int64{name}", "CategoryMapper", 1, mapping | more, [np.array([[5, 4], [-4, 3]])], ML
    for dtype in (np.int64, np.float32, np.float64):
        x = np.array([[3, 4], [-4, 9]], dtype)
        yield f"one_hot_encoder_{dtype.__name__}", "OneHotEncoder", 1, {"cats_int64s": [3, -4, 3, 9]}, [x], ML
    yield ("one_hot_encoder_int32", "OneHotEncoder", 1, {"cats_int64s": [3, -4]}, [np.array([3, 4], np.int32)],
        ML | {"expected": [np.array([[1, 0], [0, 0]], np.float32)]})
    yield ("one_hot_encoder_truncated", "OneHotEncoder", 1, {"cats_int64s": [3, -4]},
        [np.array([3.7, -4.2, 3e30], np.float32)], ML)
    yield "one_hot_encoder_scalar", "OneHotEncoder", 1, {"cats_int64s": [3, -4]}, [np.array(-4)], ML
    yield ("one_hot_encoder_string", "OneHotEncoder", 1, {"cats_strings": ["b", "", "日"], "zeros": 0},
        [strings("日", "b", "", shape=[1, 3, 1])], ML)
