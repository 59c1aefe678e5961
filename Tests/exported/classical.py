"""scikit-learn's models, fitted to random numbers, and what skl2onnx makes of them."""
import numpy as np
import pandas
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn import cluster, compose, decomposition, ensemble, feature_extraction, linear_model, naive_bayes, neighbors
from sklearn import neural_network, pipeline, preprocessing, svm, tree

ROWS = 200
OPSETS = {"": 18, "ai.onnx.ml": 3}
COLOURS = np.array(["red", "green", "blue"])
WORDS = np.array("the a quick brown fox jumps over lazy dog runs sleeps near river".split())
SIZES = (5, 64)
PLAIN = {"zipmap": False}


def rows(random, count):
    return random.normal(size=(count, 6)).astype(np.float32)


def classes(x):
    return ((x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int) + (x[:, 2] > 0.8)).astype(np.int64)


def named(x):
    return COLOURS[classes(x)]


def target(x):
    return (x[:, 0] * x[:, 1] - np.abs(x[:, 3])).astype(np.float32)


def sentences(random, count):
    return np.array([" ".join(random.choice(WORDS, random.integers(3, 9))) for _ in range(count)])


class Numeric:
    """A model of six numbers a row."""

    def __init__(self, model, answer=classes, **options):
        self.model, self.answer, self.options = model, answer, options

    def export(self, random):
        x = rows(random, ROWS)
        self.model.fit(x, self.answer(x))
        given = [("x", FloatTensorType([None, 6]))]
        return to_onnx(self.model, initial_types=given, options=self.options or None, target_opset=OPSETS)

    def inputs(self, random, count):
        return {"x": rows(random, count)}


class Text:
    """A model of a sentence a row."""

    def __init__(self, vectorizer, model):
        self.model, self.vectorizer = pipeline.make_pipeline(vectorizer, model), vectorizer

    def export(self, random):
        x = sentences(random, ROWS)
        self.model.fit(x, np.array([("fox" in s) + ("river" in s) for s in x]))
        options = {id(self.vectorizer): {"locale": "C"}, id(self.model): PLAIN}
        return to_onnx(self.model, initial_types=[("x", StringTensorType([None, 1]))], options=options,
            target_opset=OPSETS)

    def inputs(self, random, count):
        return {"x": sentences(random, count)[:, None]}


class Table:
    """A model of columns of several kinds."""

    def __init__(self, model):
        columns = compose.ColumnTransformer([
            ("numbers", preprocessing.StandardScaler(), ["width", "height"]),
            ("colour", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["colour"]),
            ("size", preprocessing.OrdinalEncoder(), ["size"]),
        ])  # fmt: skip
        self.model = pipeline.make_pipeline(columns, model)

    def inputs(self, random, count):
        numbers = random.normal(size=(2, count, 1)).astype(np.float32)
        colour, size = random.choice(COLOURS, (count, 1)), random.integers(0, 4, (count, 1))
        return {"width": numbers[0], "height": numbers[1], "colour": colour, "size": size}

    def export(self, random):
        x = {name: column[:, 0] for name, column in self.inputs(random, ROWS).items()}
        self.model.fit(pandas.DataFrame(x), (x["width"] > 0) & (x["colour"] != "red"))
        kinds = FloatTensorType, FloatTensorType, StringTensorType, Int64TensorType
        given = [(name, kind([None, 1])) for name, kind in zip(x, kinds)]
        return to_onnx(self.model, initial_types=given, options=PLAIN, target_opset=OPSETS)


def scaled(*steps):
    return pipeline.make_pipeline(preprocessing.StandardScaler(), *steps)


def binarized(*steps):
    return pipeline.make_pipeline(preprocessing.Binarizer(threshold=0.1), *steps)


def forest(kind):
    return kind(n_estimators=10, max_depth=5, random_state=3)


def mlp():
    return neural_network.MLPClassifier((16, 8), max_iter=50, random_state=3)


MODELS = {
    "random-forest": Numeric(forest(ensemble.RandomForestClassifier), **PLAIN),
    "random-forest-named": Numeric(forest(ensemble.RandomForestClassifier), named),
    "random-forest-regressor": Numeric(forest(ensemble.RandomForestRegressor), target),
    "extra-trees": Numeric(forest(ensemble.ExtraTreesClassifier), **PLAIN),
    "gradient-boosting": Numeric(forest(ensemble.GradientBoostingClassifier), **PLAIN),
    "gradient-boosting-regressor": Numeric(forest(ensemble.GradientBoostingRegressor), target),
    "ada-boost": Numeric(ensemble.AdaBoostClassifier(n_estimators=5, random_state=3), **PLAIN),
    "decision-tree": Numeric(tree.DecisionTreeClassifier(max_depth=6), named, **PLAIN),
    "isolation-forest": Numeric(ensemble.IsolationForest(n_estimators=10, random_state=3)),
    "svc": Numeric(svm.SVC(probability=True, random_state=3), **PLAIN),
    "svc-polynomial": Numeric(svm.SVC(kernel="poly", degree=2), named, **PLAIN),
    "linear-svc": Numeric(svm.LinearSVC()),
    "svr": Numeric(svm.SVR(), target),
    "one-class-svm": Numeric(svm.OneClassSVM()),
    "logistic-regression": Numeric(linear_model.LogisticRegression()),
    "linear-regression": Numeric(linear_model.LinearRegression(), target),
    "k-means": Numeric(cluster.KMeans(4, n_init=1, random_state=3)),
    "nearest-neighbours": Numeric(neighbors.KNeighborsClassifier(3), **PLAIN),
    "nearest-neighbours-regressor": Numeric(neighbors.KNeighborsRegressor(4, weights="distance"), target),
    "gaussian-naive-bayes": Numeric(naive_bayes.GaussianNB(), **PLAIN),
    "scaler-pca-mlp": Numeric(scaled(decomposition.PCA(4), mlp()), **PLAIN),
    "polynomial-features": Numeric(scaled(preprocessing.PolynomialFeatures(2), linear_model.Ridge()), target),
    "binarizer-normalizer": Numeric(binarized(preprocessing.Normalizer(), linear_model.Ridge()), target),
    "tf-idf": Text(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression()),
    "count-bigrams": Text(feature_extraction.text.CountVectorizer(ngram_range=(1, 2)), naive_bayes.MultinomialNB()),
    "columns": Table(linear_model.LogisticRegression()),
    "columns-forest": Table(forest(ensemble.RandomForestClassifier)),
}  # fmt: skip
