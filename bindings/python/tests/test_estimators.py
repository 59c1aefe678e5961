"""The estimators against scikit-learn: its own checks, its networks, its pipelines; and without it."""

import pickle

import numpy as np
import onnxruntime
import pytest
from conftest import run_python
from maas.train import MLPClassifier, MLPRegressor, Trainer
from sklearn import datasets, metrics, neural_network
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learn_takes_them(estimator, check):
    check(estimator)


def test_as_good_as_scikit_learn():
    x, y = datasets.load_wine(return_X_y=True)
    found = {}
    for library in (neural_network.MLPClassifier, MLPClassifier):
        model = make_pipeline(StandardScaler(), library(hidden_layer_sizes=(32,), random_state=0, max_iter=100))
        found[library.__module__.split(".")[0]] = cross_val_score(model, x, y, cv=5).mean()
    assert found["maas"] >= found["sklearn"] - 0.02 and found["maas"] > 0.93


def test_regression_is_as_good_as_scikit_learn():
    x, y = datasets.load_diabetes(return_X_y=True)
    parts = train_test_split(StandardScaler().fit_transform(x), (y - y.mean()) / y.std(), random_state=0)

    def score(library, **options):
        models = [library(hidden_layer_sizes=(32,), random_state=seed, alpha=1.0, **options) for seed in range(5)]
        return np.mean([model.fit(parts[0], parts[2]).score(parts[1], parts[3]) for model in models])

    for options in ({"max_iter": 200}, {"solver": "sgd", "learning_rate_init": 0.01, "max_iter": 100}):
        theirs, ours = score(neural_network.MLPRegressor, **options), score(MLPRegressor, **options)
        assert ours > theirs - 0.03 and ours > 0.25, (theirs, ours)


def test_grid_search():
    x, y = datasets.load_iris(return_X_y=True)
    search = GridSearchCV(MLPClassifier(max_iter=30, random_state=0), {"hidden_layer_sizes": [(4,), (16, 8)]}, cv=3)
    search.fit(x, y)
    assert search.best_params_["hidden_layer_sizes"] in [(4,), (16, 8)] and search.score(x, y) > 0.6


def test_probabilities_and_the_written_model(tmp_path):
    x, y = datasets.load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = MLPClassifier(random_state=1, max_iter=40).fit(x, names)
    probabilities = model.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_array_equal(model.predict(x), model.classes_[probabilities.argmax(1)])
    np.testing.assert_allclose(model.predict_log_proba(x), np.log(probabilities))
    model.save(tmp_path / "iris.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "iris.onnx")
    [scores] = session.run(None, {session.get_inputs()[0].name: x.astype(np.float32)})
    np.testing.assert_array_equal(scores.argmax(1), probabilities.argmax(1))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), probabilities)


def test_metrics_are_scikit_learns():
    x, y = datasets.load_wine(return_X_y=True)
    x = StandardScaler().fit_transform(x).astype(np.float32)
    trainer = Trainer("input 13\ndense 3 activation=softmax", loss="cross-entropy", epochs=3, learning_rate=0.02)
    trainer.fit(x, y)
    found, probabilities = trainer.evaluate(x, y), trainer.predict(x)
    classes = probabilities.argmax(1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(y, classes, average="macro")
    assert found == pytest.approx({
        "loss": metrics.log_loss(y, probabilities), "accuracy": np.mean(classes == y), "precision": precision,
        "recall": recall, "f1": f1, "roc_auc": metrics.roc_auc_score(y, probabilities, multi_class="ovr"),
    }, rel=1e-5)  # fmt: skip
    assert 0.5 < found["accuracy"] < 1


def test_partial_fit():
    x, y = datasets.load_iris(return_X_y=True)
    model = MLPClassifier(random_state=0, batch_size=16)
    for _ in range(40):
        model.partial_fit(x, y, classes=[0, 1, 2])
    assert model.score(x, y) > 0.8 and len(model.loss_curve_) == 40
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(x, y + 1)
    with pytest.raises(ValueError, match="first call"):
        MLPClassifier().partial_fit(x, y)


def test_training_ends_when_the_loss_stays():
    x, y = datasets.load_iris(return_X_y=True)
    model = MLPClassifier(random_state=0, tol=10.0, n_iter_no_change=3, max_iter=100).fit(x, y)
    assert model.n_iter_ == 5
    stopped = MLPClassifier(random_state=0, early_stopping=True, learning_rate_init=0.02, max_iter=300).fit(x, y)
    assert stopped.n_iter_ < 300 and stopped.score(x, y) > 0.9


def test_warm_start_goes_on():
    x, y = datasets.load_diabetes(return_X_y=True)
    model = MLPRegressor(random_state=0, max_iter=3, warm_start=True)
    model.fit(x, y).fit(x, y)
    assert model.n_iter_ == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activation": "swish"}, "activation"),
        ({"solver": "lbfgs"}, "solver"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"batch_size": "all"}, "batch_size"),
        ({"learning_rate_init": -1.0}, "learning_rate"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction"),
    ],
)
def test_wrong_parameters_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        MLPRegressor(**options).fit(np.eye(4), np.arange(4.0))


def test_not_fitted():
    with pytest.raises(NotFittedError, match="fit"):
        MLPClassifier().predict(np.eye(3))


def test_without_scikit_learn():
    printed = run_python("""
import sys
sys.modules["sklearn"] = None
import numpy as np
from maas.train import MLPClassifier, MLPRegressor
x = np.random.default_rng(0).standard_normal((60, 4))
y = np.where(x[:, 0] > 0, "yes", "no")
model = MLPClassifier((8,), random_state=0, learning_rate_init=0.05).set_params(max_iter=60).fit(x, y)
assert model.score(x, y) > 0.9 and model.get_params()["max_iter"] == 60
assert MLPRegressor((8,), random_state=0, learning_rate_init=0.05).fit(x, x[:, 0]).score(x, x[:, 0]) > 0.8
for wrong in (lambda: model.predict(x[:, :2]), lambda: model.fit(x, y[:5]), lambda: model.set_params(max_iters=3)):
    try:
        wrong()
    except ValueError as error:
        print(error)
""")
    assert len(printed.splitlines()) == 3
