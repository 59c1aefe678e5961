"""Cases of ai.onnx.ml's operators on numbers: trees, linear models, support vectors, scaling. See make-cases.py."""
import numpy as np
from onnx import defs, numpy_helper

random = np.random.default_rng(11)
POST = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")
TYPES = (np.float32, np.float64, np.int64, np.int32)
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
INTS, STRINGS = {"classlabels_int64s": [3, 1, 7]}, {"classlabels_strings": ["a", "bc", ""]}


def cases():
    for group in (regressors, classifiers, ensembles, linear, svm, scaling):
        for name, op, opset, attributes, inputs, *more in group():
            kept = {k: v for k, v in attributes.items() if v is not None}
            # ONNX Runtime computes PROBIT in float, with differences of near numbers.
            tolerance = (1e-3, 1e-4) if attributes.get("post_transform") == "PROBIT" else (2e-5, 2e-6)
            options = {"domain": "ai.onnx.ml", "tolerance": tolerance} | (more[0] if more else {})
            yield f"ml_{name}", op, opset, kept, inputs, options
            for version in later_versions(op, opset):
                yield f"ml_{name}_{version}", op, version, kept, inputs, options


def later_versions(op, opset):
    schemas = [s for s in defs.get_all_schemas_with_history() if s.domain == "ai.onnx.ml" and s.name == op]
    return sorted(s.since_version for s in schemas if s.since_version > opset and not s.deprecated)


def numbers(count, low=-1, high=1):
    return [float(np.float32(v)) for v in random.uniform(low, high, count)]


def rows(count, features, dtype=np.float32):
    """Numbers that meet the trees' values often, and NaN and infinities where there are such."""
    x = random.integers(-3, 4, (count, features)).astype(np.float64) / 2
    if np.issubdtype(dtype, np.floating):
        x.flat[:: 7] = np.nan
        x.flat[5:: 11], x.flat[8:: 13] = np.inf, -np.inf
    return x.astype(dtype)


def grown(depth, modes, missing):
    """A tree's nodes from the root: branch (mode, feature, value, missing, yes, no) or leaf None."""
    nodes = []

    def grow(d):
        at = len(nodes)
        nodes.append(None)
        if d < depth and (d == 0 or random.random() > 0.2):
            mode, value = modes[random.integers(len(modes))], float(random.integers(-3, 4)) / 2
            track = int(random.integers(2)) if missing else 0
            nodes[at] = (mode, int(random.integers(4)), value, track, grow(d + 1), grow(d + 1))
        return at

    grow(0)
    return nodes


def classic(prefix, targets, trees=3, depth=3, modes=MODES[:1], missing=False, ids=None, low=-1):
    """The attributes of version 1; `ids` are the targets of each leaf, any one if None."""
    nodes = [(t, n, node) for t in range(trees) for n, node in enumerate(grown(depth, modes, missing))]
    parts = [node or ("LEAF", 0, 0.0, 0, 0, 0) for _, _, node in nodes]
    mode, feature, value, track, yes, no = map(list, zip(*parts))
    leaves = [(t, n, i) for t, n, node in nodes if node is None for i in ids or [int(random.integers(targets))]]
    tree, leaf, target = map(list, zip(*leaves))
    return {
        "nodes_treeids": [t for t, _, _ in nodes], "nodes_nodeids": [n for _, n, _ in nodes], "nodes_modes": mode,
        "nodes_featureids": feature, "nodes_values": value, "nodes_truenodeids": yes, "nodes_falsenodeids": no,
        "nodes_missing_value_tracks_true": track if missing else None, f"{prefix}_treeids": tree,
        f"{prefix}_nodeids": leaf, f"{prefix}_ids": target, f"{prefix}_weights": numbers(len(leaves), low),
    }  # fmt: skip


def regressors():
    op = "TreeEnsembleRegressor"
    for modes in [(m,) for m in MODES] + [MODES]:
        for missing in (False, True):
            attributes = classic("target", 1, modes=modes, missing=missing) | {"n_targets": 1}
            yield f"trees_{'_'.join(modes)[7:20]}_{missing}", op, 1, attributes, [rows(20, 4)]
    for dtype in TYPES[:2]:
        attributes = classic("target", 2, trees=5, modes=MODES, missing=True) | {"n_targets": 2}
        yield f"trees_{dtype.__name__}", op, 3, attributes, [rows(9, 4, dtype)]
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        for targets, ids in ((1, None), (3, None), (3, [0, 1, 2])):
            base = numbers(targets) if ids else None
            attributes = classic("target", targets, ids=ids) | {"n_targets": targets, "base_values": base}
            attributes["aggregate_function"] = aggregate
            yield f"trees_{aggregate}_{targets}_{bool(ids)}", op, 1, attributes, [rows(4, 4)]
    for post in POST:
        for targets in (1, 3):
            attributes = classic("target", targets, ids=list(range(targets)), low=0.1)
            attributes |= {"n_targets": targets, "post_transform": post, "aggregate_function": "AVERAGE"}
            yield f"trees_{post}_{targets}", op, 1, attributes, [rows(3, 4)]
    attributes = classic("target", 1, trees=20, depth=6) | {"n_targets": 1}
    yield "trees_many", op, 1, attributes, [rows(37, 4)]
    attributes = classic("target", 1) | {"n_targets": 1}
    yield ("trees_hit_rates", op, 1, attributes | {"nodes_hitrates": [0.5] * len(attributes["nodes_modes"])},
        [rows(3, 4)])
    yield "trees_double", op, 3, in_doubles(attributes, "target_weights", [0.125]), [rows(20, 4, np.float64)]


def in_doubles(attributes, weights, base):
    """The tree attributes of version 3 that are tensors in the place of lists."""
    tensors = {name: np.array(attributes[name]) + 1e-9 for name in ("nodes_values", weights)}
    tensors |= {"nodes_hitrates": np.ones(len(attributes["nodes_modes"])), "base_values": np.array(base)}
    kept = {name: value for name, value in attributes.items() if name not in tensors}
    return kept | {f"{name}_as_tensor": numpy_helper.from_array(value, name) for name, value in tensors.items()}


def classifiers():
    op, both = "TreeEnsembleClassifier", {"outputs": 2}
    for post in POST[:4]:
        for labels in (INTS, STRINGS):
            for ids, base in ((None, False), ([0, 1, 2], True)):
                attributes = classic("class", 3, ids=ids) | labels | {"post_transform": post}
                attributes["base_values"] = numbers(3) if base else None
                yield f"classes_{post}_{len(str(labels))}_{base}", op, 3, attributes, [rows(6, 4)], both
        for low in (-1, 0):
            for ids, base in (([0], None), ([0], numbers(1)), ([1], None)):
                attributes = classic("class", 2, ids=ids, low=low) | {"classlabels_strings": ["no", "yes"]}
                attributes |= {"post_transform": post, "base_values": base}
                yield f"binary_{post}_{low}_{ids[0]}_{bool(base)}", op, 1, attributes, [rows(6, 4)], both
    for dtype in TYPES:
        attributes = classic("class", 3, modes=MODES) | INTS
        yield f"classes_{dtype.__name__}", op, 1, attributes, [rows(9, 4, dtype)], both
    attributes = classic("class", 3, modes=MODES, missing=True) | INTS
    rates = {"nodes_hitrates": [0.5] * len(attributes["nodes_modes"])}
    yield "classes_hit_rates", op, 1, attributes | rates, [rows(9, 4)], both
    attributes = in_doubles(classic("class", 3) | INTS, "class_weights", [0.5, -0.25, 0.125])
    yield "classes_double", op, 3, attributes, [rows(20, 4, np.float64)], both


def ensemble(dtype, targets, modes, missing):
    """The attributes of version 5."""
    branches, leaves, roots, sets = [], [], [], []
    for _ in range(4):
        nodes = grown(3, modes, missing)
        places = {}
        for i, node in enumerate(nodes):
            places[i] = (int(node is None), len(leaves) if node is None else len(branches))
            (leaves if node is None else branches).append((places, node))
        roots.append(places[0][1])
    for _, (mode, *_) in branches:
        if mode == 6:
            sets += [*random.choice(np.arange(1, 7), 3, replace=False), np.nan]
    yes, no = [p[n[4]] for p, n in branches], [p[n[5]] for p, n in branches]
    tensors = {
        "nodes_splits": [n[2] for _, n in branches], "leaf_weights": numbers(len(leaves)), "membership_values": sets,
    }  # fmt: skip
    result = {k: numpy_helper.from_array(np.array(v, dtype), k) for k, v in tensors.items() if v}
    return result | {
        "nodes_modes": numpy_helper.from_array(np.array([n[0] for _, n in branches], np.uint8), "modes"),
        "nodes_featureids": [n[1] for _, n in branches], "tree_roots": roots, "n_targets": targets,
        "nodes_missing_value_tracks_true": [n[3] for _, n in branches] if missing else None,
        "nodes_trueleafs": [leaf for leaf, _ in yes], "nodes_truenodeids": [i for _, i in yes],
        "nodes_falseleafs": [leaf for leaf, _ in no], "nodes_falsenodeids": [i for _, i in no],
        "leaf_targetids": [int(i) for i in random.integers(0, targets, len(leaves))],
    }  # fmt: skip


def ensembles():
    for dtype in (np.float32, np.float64):
        for modes in ((0,), (0, 1, 2, 3), range(6)):
            for missing in (False, True):
                attributes = ensemble(dtype, 2, modes, missing)
                yield (f"ensemble_{dtype.__name__}_{len(modes)}_{missing}", "TreeEnsemble", 5, attributes,
                    [rows(9, 4, dtype)])
        x = random.integers(0, 7, (9, 4)).astype(dtype)
        yield f"ensemble_{dtype.__name__}_member", "TreeEnsemble", 5, ensemble(dtype, 1, (0, 6), False), [x]
    for aggregate in range(4):
        attributes = ensemble(np.float32, 3, (0, 2), False) | {"aggregate_function": aggregate}
        yield f"ensemble_{aggregate}", "TreeEnsemble", 5, attributes, [rows(6, 4)]
    attributes = ensemble(np.float32, 2, (0, 2), False)
    rates = numpy_helper.from_array(np.ones(len(attributes["nodes_featureids"]), np.float32), "rates")
    yield "ensemble_hit_rates", "TreeEnsemble", 5, attributes | {"nodes_hitrates": rates}, [rows(6, 4)]
    yield from stumps()


def stumps():
    """One branch: 1 for the first target where x <= 0.25, else 2 for the second."""
    for dtype in (np.float16, np.float32, np.float64):
        values = {"nodes_splits": [0.25], "leaf_weights": [1, 2]}
        attributes = {k: numpy_helper.from_array(np.array(v, dtype), k) for k, v in values.items()}
        attributes |= {
            "nodes_modes": numpy_helper.from_array(np.zeros(1, np.uint8), "modes"), "nodes_featureids": [0],
            "nodes_trueleafs": [1], "nodes_truenodeids": [0], "nodes_falseleafs": [1], "nodes_falsenodeids": [1],
            "tree_roots": [0], "n_targets": 2, "leaf_targetids": [0, 1],
        }  # fmt: skip
        scores = np.array([[1, 0], [0, 2], [1, 0]], np.float64)
        powers = np.exp(scores)
        results = (scores, powers / powers.sum(axis=1, keepdims=True), 1 / (1 + np.exp(-scores)))
        for post, result in enumerate(results):
            more = {"expected": [result.astype(dtype)], "tolerance": (1e-3, 1e-4) if dtype == np.float16
                else (1e-6, 1e-7)}
            x = np.array([[0.25], [0.5], [-3]], dtype)
            yield f"stump_{post}_{dtype.__name__}", "TreeEnsemble", 5, attributes | {"post_transform": post}, [x], more


def linear():
    for post in POST:
        for outputs in (1, 3):
            for dtype in TYPES if post == "NONE" else TYPES[:1]:
                x = random.uniform(-1, 1, (4, 5)).astype(dtype)
                common = {"coefficients": numbers(5 * outputs, 0, 0.2), "intercepts": numbers(outputs, 0.4, 0.6)}
                common["post_transform"] = post
                name = f"{post}_{outputs}_{dtype.__name__}"
                if dtype == np.float32:
                    attributes = common | {"targets": outputs if outputs > 1 else None}
                    yield f"linear_regressor_{name}", "LinearRegressor", 1, attributes, [x]
                if post != "PROBIT" or outputs > 1:
                    labels = {"classlabels_ints": [4, -2, 9][: max(2, outputs)]}
                    if post == "LOGISTIC":
                        labels = {"classlabels_strings": ["no", "yes", "?"][: max(2, outputs)]}
                    yield f"linear_classifier_{name}", "LinearClassifier", 1, common | labels, [x], {"outputs": 2}
    several = {"coefficients": numbers(15), "intercepts": numbers(3), "classlabels_ints": [1, 2, 3], "multi_class": 1}
    yield ("linear_several", "LinearClassifier", 1, several, [random.uniform(-1, 1, (4, 5)).astype(np.float32)],
        {"outputs": 2})
    attributes = {"coefficients": numbers(6), "targets": 2}
    yield "linear_row", "LinearRegressor", 1, attributes, [random.uniform(-1, 1, 3).astype(np.float32)]


def svm():
    vectors, features = 6, 10
    for kernel, degree in (("LINEAR", 3), ("POLY", 2), ("POLY", 3), ("POLY", 4), ("RBF", 3), ("SIGMOID", 3)):
        x = random.uniform(-1, 1, (4, features)).astype(np.float32)
        common = {
            "kernel_type": kernel, "kernel_params": [0.25, 0.5, float(degree)],
            "support_vectors": numbers(vectors * features),
        }  # fmt: skip
        for one in (0, 1):
            attributes = common | {"coefficients": numbers(vectors), "rho": numbers(1), "n_supports": vectors,
                "one_class": one}
            yield f"svm_regressor_{kernel}_{degree}_{one}", "SVMRegressor", 1, attributes, [x]
        for per_class in ([2, 4], [3, 1, 2], [1, 2, 1, 2]):
            for couples in (False, True):
                yield classifier(kernel, degree, common, per_class, couples, x)
    for post in POST:
        for per_class, couples in (([3, 3], False), ([3, 3], True), ([2, 2, 2], False), ([2, 2, 2], True)):
            if post != "PROBIT" or couples:
                yield classifier("RBF", post, common | {"kernel_type": "RBF", "post_transform": post}, per_class,
                    couples, x)
        for classes, low in ((2, 0), (2, -1), (3, -1)):
            attributes = {
                "coefficients": numbers(classes * features, low, 0.4), "rho": [0.5] * classes, "post_transform": post,
                "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "classlabels_ints": [5, 6, 7][:classes],
            }  # fmt: skip
            yield f"svm_linear_{post}_{classes}_{low}", "SVMClassifier", 1, attributes, [x / 4], {"outputs": 2}
    attributes = {"coefficients": numbers(features), "rho": [0.5], "kernel_params": [0.0, 0.0, 0.0]}
    yield "svm_regressor_linear", "SVMRegressor", 1, attributes | {"post_transform": "NONE"}, [x]
    for dtype in TYPES[1:]:
        yield classifier("RBF", dtype.__name__, common, [2, 4], False, (3 * x).astype(dtype))


def classifier(kernel, note, common, per_class, couples, x):
    classes = len(per_class)
    pairs = classes * (classes - 1) // 2
    attributes = common | {
        "coefficients": numbers(sum(per_class) * (classes - 1)), "rho": numbers(pairs), "vectors_per_class": per_class,
        "classlabels_strings": ["a", "b", "c", "d"][:classes],
    }  # fmt: skip
    if couples:
        attributes |= {"prob_a": numbers(pairs, -2, -1), "prob_b": numbers(pairs)}
    name = f"svm_classifier_{kernel}_{note}_{classes}_{couples}"
    return name, "SVMClassifier", 1, attributes, [x], {"outputs": 2, "tolerance": (2e-4, 2e-5)}


def scaling():
    x = random.uniform(-2, 2, (4, 3))
    for dtype in TYPES:
        for norm in ("MAX", "L1", "L2"):
            inputs = [np.concatenate((3 * x, np.zeros((1, 3)), -np.abs(x))).astype(dtype)]
            yield f"normalizer_{norm}_{dtype.__name__}", "Normalizer", 1, {"norm": norm}, inputs
        for count in (1, 3):
            attributes = {"offset": numbers(count), "scale": numbers(count)}
            yield f"scaler_{count}_{dtype.__name__}", "Scaler", 1, attributes, [(3 * x).astype(dtype)]
        inputs = [(3 * x).astype(dtype), x[:, :2].astype(dtype)]
        yield f"vectorizer_{dtype.__name__}", "FeatureVectorizer", 1, {"inputdimensions": [2, 4]}, inputs
        yield f"extractor_{dtype.__name__}", "ArrayFeatureExtractor", 1, {}, [x.astype(dtype), np.array([2, 0, 2])]
    yield "vectorizer_row", "FeatureVectorizer", 1, {"inputdimensions": [2, 3]}, [np.array([1, 2]), np.array([3, 4, 5])]
    yield "extractor_row", "ArrayFeatureExtractor", 1, {}, [x[0], np.array([[1], [0]])]
    yield "extractor_strings", "ArrayFeatureExtractor", 1, {}, [np.array([["a", "bc"], ["", "d"]]), np.array([1])]
    yield "scaler_row", "Scaler", 1, {"offset": numbers(3), "scale": numbers(3)}, [x[0].astype(np.float32)]
    yield "binarizer", "Binarizer", 1, {"threshold": 0.25}, [x.astype(np.float32)]
    for dtype in (np.float64, np.int64, np.int32):
        expected = [(x.astype(dtype) > 0.25).astype(dtype)]
        yield (f"binarizer_{dtype.__name__}", "Binarizer", 1, {"threshold": 0.25}, [x.astype(dtype)],
            {"expected": expected})
    gaps = np.where(x > 0.5, np.nan, x).astype(np.float32)
    for count in (1, 3):
        imputed = {"imputed_value_floats": numbers(count), "replaced_value_float": float("nan")}
        yield f"imputer_nan_{count}", "Imputer", 1, imputed, [gaps]
        whole = {"imputed_value_int64s": [2**60 + 1, 5, 6][:count], "replaced_value_int64": -(2**60) - 1}
        yield f"imputer_{count}", "Imputer", 1, whole, [np.array([[1, -(2**60) - 1, 3], [-(2**60) - 1, 2, -(2**60)]])]
    values = np.array([[1, np.nan, 2.5]])
    imputed = {"imputed_value_floats": [7.5, 8, 9], "replaced_value_float": 2.5}
    yield "imputer_float64", "Imputer", 1, imputed, [values], {"expected": [np.array([[1, np.nan, 9]])]}
