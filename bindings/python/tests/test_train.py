"""Training: steps against NumPy, networks that are written, determinism, callbacks, what is wrong."""

import copy
import inspect
import math
import pickle
import sys

import maas
import numpy as np
import onnx
import onnxruntime
import pytest
from maas import train
from maas.train import Dense, Sequential

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((100, 10)).astype(np.float32)
Y = (X @ RANDOM.standard_normal((10, 1)) + 0.3).astype(np.float32)
CLASSES = RANDOM.integers(0, 3, 90)
CLOUDS = (RANDOM.standard_normal((3, 4))[CLASSES] * 2 + RANDOM.standard_normal((90, 4))).astype(np.float32)


def answers(data, x):
    """What ONNX Runtime answers with a model that ONNX's checker takes."""
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(data)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


class Reference:
    """A network of two dense layers in NumPy, in double precision: ReLU, mean squared error."""

    def __init__(self, weights):
        self.w = [np.array(w, np.float64) for w in weights]

    def loss(self, x, y):
        w1, b1, w2, b2 = self.w
        return np.mean((np.maximum(x @ w1 + b1, 0) @ w2 + b2 - y) ** 2)

    def gradients(self, x, y):
        w1, b1, w2, b2 = self.w
        h = x @ w1 + b1
        a = np.maximum(h, 0)
        d = 2 * (a @ w2 + b2 - y) / len(x) / y.shape[1]
        e = (d @ w2.T) * (h > 0)
        return [x.T @ e, e.sum(0), a.T @ d, d.sum(0)]


def sgd(reference, g, state, t, rate):
    for w, each in zip(reference.w, g):
        w -= rate * each


def momentum(reference, g, state, t, rate):
    for i, (w, each) in enumerate(zip(reference.w, g)):
        state[i] = 0.9 * state.get(i, 0) + each
        w -= rate * state[i]


def adam(reference, g, state, t, rate, decay=0.0):
    for i, (w, each) in enumerate(zip(reference.w, g)):
        m, v = state.get(i, (0, 0))
        m, v = 0.9 * m + 0.1 * each, 0.999 * v + 0.001 * each**2
        state[i] = m, v
        w -= rate * decay * w
        w -= rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def adamw(reference, g, state, t, rate):
    adam(reference, g, state, t, rate, 0.01)


def rmsprop(reference, g, state, t, rate):
    for i, (w, each) in enumerate(zip(reference.w, g)):
        state[i] = 0.99 * state.get(i, 0) + 0.01 * each**2
        w -= rate * each / (np.sqrt(state[i]) + 1e-8)


def adagrad(reference, g, state, t, rate):
    for i, (w, each) in enumerate(zip(reference.w, g)):
        state[i] = state.get(i, 0) + each**2
        w -= rate * each / (np.sqrt(state[i]) + 1e-10)


def lion(reference, g, state, t, rate):
    for i, (w, each) in enumerate(zip(reference.w, g)):
        m = state.get(i, 0)
        w -= rate * np.sign(0.9 * m + 0.1 * each)
        state[i] = 0.99 * m + 0.01 * each


# Weights whose columns are whole panels of every kernel lie in panels while they are trained.
@pytest.mark.parametrize(("units", "outputs"), [(10, 1), (96, 96)], ids=["rows", "panels"])
@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (train.SGD(learning_rate=0.05), sgd),
        (train.SGD(learning_rate=0.02, momentum=0.9), momentum),
        (train.Adam(learning_rate=0.01), adam),
        (train.AdamW(learning_rate=0.01), adamw),
        (train.RMSProp(learning_rate=0.01), rmsprop),
        (train.Adagrad(learning_rate=0.1), adagrad),
        (train.Lion(learning_rate=0.001), lion),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, train.Optimizer) else None,
)
def test_losses_are_those_of_numpy(optimizer, rule, units, outputs):
    model = Sequential([Dense(units, activation="relu"), Dense(outputs)]).compile(optimizer, "mse")
    targets = np.concatenate([Y * (1 + i / 10) for i in range(outputs)], 1)
    model.build((10,))
    weights = model.get_weights()
    assert list(weights) == ["dense_1/weight", "dense_1/bias", "dense_2/weight", "dense_2/bias"]
    reference, state, expected, t = Reference(weights.values()), {}, [], 0
    for _ in range(20):
        losses = []
        for begin in range(0, 100, 32):
            x, y, t = X[begin : begin + 32].astype(float), targets[begin : begin + 32].astype(float), t + 1
            losses.append(reference.loss(x, y) * len(x))
            rule(reference, reference.gradients(x, y), state, t, optimizer.learning_rate)
        expected.append(sum(losses) / 100)
    found = model.fit(X, targets, epochs=20, batch_size=32, shuffle=False, verbose=0)
    np.testing.assert_allclose(found.history["loss"], expected, rtol=2e-3 if rule is lion else 2e-4)
    assert model.evaluate(X, targets) == pytest.approx(reference.loss(X.astype(float), targets.astype(float)), rel=2e-3)
    for own, right in zip(model.get_weights().values(), reference.w):
        assert own.shape == right.shape
        if rule is not lion:
            np.testing.assert_allclose(own, right, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "hinge", "bce", "cross-entropy", "kl"])
def test_losses(loss):
    random = np.random.default_rng(1)
    scores = random.standard_normal((12, 3)) * 2
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    numbers = random.standard_normal((12, 3))
    classes, bits = random.integers(0, 3, 12), random.integers(0, 2, (12, 3)).astype(float)
    spread = random.dirichlet([1, 1, 1], 12)
    difference = np.abs(scores - numbers)
    targets, expected = {
        "mse": (numbers, np.mean(difference**2)),
        "mae": (numbers, np.mean(difference)),
        "huber": (numbers, np.mean(np.where(difference <= 1, difference**2 / 2, difference - 0.5))),
        "hinge": (2 * bits - 1, np.mean(np.maximum(0, 1 - (2 * bits - 1) * scores))),
        "bce": (bits, np.mean(np.log1p(np.exp(scores)) - bits * scores)),
        "cross-entropy": (classes, -np.mean(np.log(probabilities[np.arange(12), classes]))),
        "kl": (spread, np.mean(np.sum(spread * np.log(spread / probabilities), 1))),
    }[loss]
    trainer = train.Trainer("input 3\ndense 3", loss=loss)
    trainer.set_parameter("dense_1/weight", np.eye(3))
    trainer.set_parameter("dense_1/bias", np.zeros(3))
    targets = targets if targets.dtype.kind == "i" else targets.astype(np.float32)
    assert trainer.evaluate(scores.astype(np.float32), targets)["loss"] == pytest.approx(expected, rel=1e-5)


def test_what_is_written_answers_the_same(tmp_path):
    model = Sequential([Dense(16, activation="tanh"), Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(CLOUDS, CLASSES, epochs=60, validation_split=0.2, verbose=0)
    assert history.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.epoch) == len(history.history["val_loss"]) == 60
    model.save(tmp_path / "model.onnx")
    data = (tmp_path / "model.onnx").read_bytes()
    assert data == model.to_onnx()
    found = model.predict(CLOUDS)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(answers(data, CLOUDS), found, rtol=1e-5, atol=1e-6)
    loss, accuracy = model.evaluate(CLOUDS[:72], CLASSES[:72])
    assert accuracy == pytest.approx(np.mean(found[:72].argmax(1) == CLASSES[:72])) == history.history["accuracy"][-1]
    assert loss == pytest.approx(-np.mean(np.log(found[np.arange(72), CLASSES[:72]])), rel=1e-4)
    assert accuracy > 0.8 and history.history["loss"][-1] < history.history["loss"][0]


LAYERS = {
    "features": ((12,), [Dense(8, activation="gelu"), train.LayerNormalization(), train.Dropout(0.2), Dense(2)]),
    "batch norm": ((12,), [Dense(8, use_bias=False), train.BatchNormalization(), train.Activation("relu"), Dense(2)]),
    "residual": ((12,), [train.Residual([Dense(12, activation="relu"), Dense(12)], activation="swish"), Dense(2)]),
    "convolutions": (
        (2, 8, 8),
        [
            train.Conv2D(4, 3, padding="same", activation="relu"), train.MaxPooling2D(2), train.DepthwiseConv2D(3),
            train.AveragePooling2D(2), train.Flatten(), Dense(2),
        ],
    ),
    "global pooling": (
        (2, 9), [train.Conv1D(4, 3, strides=2, activation="elu"), train.GlobalAveragePooling(), Dense(2)]),
    "recurrent": ((5, 4), [train.LSTM(6, return_sequences=True), train.GRU(3, bidirectional=True), Dense(2)]),
    "transformer": (
        (6, 8),
        [
            train.PositionalEmbedding(), train.Transformer(2, 16), train.SelfAttention(2, causal=True),
            train.GlobalAveragePooling(), Dense(2),
        ],
    ),
    "embedding": ((6,), [train.Embedding(20, 8), train.Reshape((48,)), Dense(2)]),
}  # fmt: skip


@pytest.mark.parametrize("shape, layers", LAYERS.values(), ids=LAYERS)
def test_every_layer_learns_and_is_written(shape, layers):
    random = np.random.default_rng(2)
    has_indices = isinstance(layers[0], train.Embedding)
    x = random.integers(0, 20, (40, *shape)) if has_indices else random.standard_normal((40, *shape)).astype(np.float32)
    y = random.standard_normal((40, 2)).astype(np.float32)
    model = Sequential(layers).compile(train.Adam(learning_rate=0.01), "mse")
    history = model.fit(x, y, epochs=30, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]
    np.testing.assert_allclose(answers(model.to_onnx(), x), model.predict(x), rtol=1e-4, atol=1e-5)


def test_results_follow_from_the_seed_alone():
    def weights(seed, threads):
        model = Sequential([Dense(64, activation="relu"), train.Dropout(0.3), Dense(1)], seed=seed, threads=threads)
        model.compile().fit(np.tile(X, (10, 1)), np.tile(Y, (10, 1)), epochs=3, batch_size=128, verbose=0)
        return np.concatenate([value.ravel() for value in model.get_weights().values()])

    same = [weights(5, threads) for threads in (1, 2, 5)]
    assert np.array_equal(same[0], same[1]) and np.array_equal(same[0], same[2])
    assert not np.array_equal(same[0], weights(6, 1))


def test_what_keras_takes():
    def model():
        return Sequential([Dense(4, activation="relu"), Dense(1)]).compile("adam", "mse", metrics=["mae"])

    plain, keras = model(), model()
    expected = plain.fit(X, Y, batch_size=32, epochs=2, verbose=0).history
    assert keras.fit(X, Y, batch_size=None, epochs=2, verbose=0, callbacks=None).history == expected
    assert keras.evaluate(X, Y, batch_size=7, verbose=0) == plain.evaluate(X, Y)
    np.testing.assert_array_equal(keras.predict(X, batch_size=7, verbose=0), plain.predict(X))


def test_options_of_rules_and_schedules():
    assert dict(train.SGD(momentum=0.9, learning_rate=train.StepDecay(0.1, factor=0.5, epochs=3)).settings()) == {
        "update_rule": "sgd", "learning_rate": 0.1, "schedule": "step", "warm_up": 0, "schedule_factor": 0.5,
        "schedule_period": 3, "weight_decay": 0.0, "clip_norm": 0.0, "clip_value": 0.0, "ema": 0.0, "accumulate": 1,
        "momentum": 0.9, "nesterov": False,
    }  # fmt: skip
    with pytest.raises(TypeError, match="momentum"):
        train.Adam(momentum=0.9)

    class Slow(train.Adam):
        """A rule of a program's own: Adam with another default."""

        beta1: float = 0.5

    settings = dict(Slow().settings())
    assert settings["update_rule"] == "adam" and settings["beta1"] == 0.5


def test_fit_goes_on():
    def model():
        return Sequential([Dense(4, activation="relu"), Dense(1)]).compile("adam", "mse")

    once, twice = model(), model()
    whole = once.fit(X, Y, epochs=6, verbose=0).history["loss"]
    parts = [twice.fit(X, Y, epochs=3, verbose=0).history["loss"] for _ in range(2)]
    assert whole == parts[0] + parts[1]


def test_a_killed_training_goes_on(tmp_path):
    text = "input 10\ndense 16 activation=tanh\nbatch-norm\ndropout 0.2\ndense 1"
    options = {"epochs": 6, "batch_size": 16, "seed": 3, "ema": 0.9, "schedule": "cosine"}
    path = tmp_path / "checkpoint"
    first = train.Trainer(text, **options)
    first.fit(X, Y, callback=lambda epoch: first.save(path) if epoch["epoch"] == 2 else None)
    second = train.Trainer(text, threads=1, **options)
    second.restore(path)
    assert len(second.fit(X, Y)["loss"]) == 4
    assert second.to_onnx() == first.to_onnx()
    with pytest.raises(maas.InvalidArgument, match="incompatible"):
        train.Trainer(text, **options | {"seed": 4}).restore(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(maas.InvalidModel):
        second.restore(path)


def test_callbacks(tmp_path, capsys):
    model = Sequential([Dense(1)]).compile("sgd", "mse", metrics=["mae", "r2"])
    seen = []
    history = model.fit(
        X, Y, epochs=30, verbose=1, validation_data=(X[:10], Y[:10]),
        callbacks=[
            lambda epoch, logs: seen.append((epoch, logs["loss"])) or epoch == 4,
            train.ModelCheckpoint(tmp_path / "epoch-{epoch}.onnx"),
        ],
    )  # fmt: skip
    assert [epoch for epoch, _ in seen] == history.epoch == [0, 1, 2, 3, 4]
    assert [loss for _, loss in seen] == history.history["loss"]
    assert capsys.readouterr().out.count("val_r2") == 5
    assert len(list(tmp_path.iterdir())) == 5
    np.testing.assert_array_equal(answers((tmp_path / "epoch-4.onnx").read_bytes(), X), model.predict(X))
    residual = model.predict(X).astype(float) - Y
    assert history.history["mae"][-1] == pytest.approx(np.abs(residual).mean())
    assert history.history["r2"][-1] == pytest.approx(1 - (residual**2).sum() / ((Y - Y.mean()) ** 2).sum(), rel=1e-5)


def test_early_stopping_restores_the_best():
    random = np.random.default_rng(3)
    x, y = random.standard_normal((20, 10)).astype(np.float32), random.standard_normal(20).astype(np.float32)
    held = random.standard_normal((50, 10)).astype(np.float32), random.standard_normal(50).astype(np.float32)
    model = Sequential([Dense(64, activation="relu"), Dense(1)]).compile(train.Adam(learning_rate=0.02), "mse")
    stopping = train.EarlyStopping(patience=5)
    history = model.fit(x, y, epochs=500, validation_data=held, callbacks=[stopping], verbose=0)
    losses = history.history["val_loss"]
    assert len(losses) < 500 and np.argmin(losses) == stopping.best_epoch == len(losses) - 6
    assert model.evaluate(*held) == pytest.approx(min(losses), rel=1e-6)


def test_weights_of_samples_and_classes():
    model = Sequential([Dense(3)], seed=1).compile("adam", "cross-entropy")
    model.build((4,))
    weights = np.where(CLASSES == 1, 3.0, 1.0)
    losses = -np.log(np.exp(scores := model.predict(CLOUDS)) / np.exp(scores).sum(1, keepdims=True))[
        np.arange(90), CLASSES
    ]
    assert model.evaluate(CLOUDS, CLASSES, sample_weight=weights) == pytest.approx(np.average(losses, weights=weights),
        rel=1e-5)
    first = model.fit(CLOUDS, CLASSES, sample_weight=weights, shuffle=False, verbose=0).history
    again = Sequential([Dense(3)], seed=1).compile("adam", "cross-entropy")
    assert first == again.fit(CLOUDS, CLASSES, class_weight={1: 3.0}, shuffle=False, verbose=0).history


def test_layers_are_their_fields():
    layer = Dense(4, use_bias=False)
    assert repr(layer) == "Dense(units=4, activation=None, use_bias=False)"
    assert layer == Dense(4, None, False) and hash(layer) == hash(Dense(4, None, False)) and layer != Dense(4)
    assert str(inspect.signature(Dense)) == "(units, activation=None, use_bias=True)"
    assert copy.deepcopy(layer) == pickle.loads(pickle.dumps(layer)) == layer
    with pytest.raises(AttributeError, match="does not change"):
        layer.units = 5
    wrong_calls = [
        lambda: Dense(), lambda: Dense(1, unit=2), lambda: Dense(1, units=2), lambda: Dense(1, None, True, 4),
        lambda: train.Adam(0.1),
    ]  # fmt: skip
    for wrong in wrong_calls:
        with pytest.raises(TypeError, match="argument"):
            wrong()


def test_compile_again_keeps_the_parameters():
    model = Sequential([Dense(4), Dense(1)]).compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    before = model.predict(X)
    np.testing.assert_array_equal(model.compile("sgd", "mae").predict(X), before)
    assert model.evaluate(X, Y) == pytest.approx(np.abs(before - Y).mean(), rel=1e-5)


def test_summary(capsys):
    model = Sequential([train.Input((10,)), Dense(4), Dense(1, use_bias=False)])
    model.summary()
    assert capsys.readouterr().out.split() == "layer parameters dense_1 44 dense_2 4 all 48".split()
    assert model.count_params() == 48


def fit(x=X, y=Y, layers=(Dense(1),), loss="mse", **options):
    return lambda: Sequential(layers).compile("adam", loss).fit(x, y, verbose=0, **options)


NAN = X.copy()
NAN[7, 3] = math.nan


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (fit(y=Y[:99]), maas.ShapeMismatch, "number"),
        (fit(y=np.ones((100, 2))), maas.ShapeMismatch, "targets"),
        (fit(x=NAN), maas.OutOfRange, "loss"),
        (fit(y=np.full((100, 1), 7), loss="cross-entropy"), maas.OutOfRange, "7"),
        (fit(y=np.full((100, 1), 0.5), loss="cross-entropy"), maas.InvalidArgument, "whole numbers"),
        (fit(x=X.astype(str)), TypeError, "numbers"),
        (fit(loss="mean"), maas.NotFound, "mse"),
        (fit(layers=[Dense(0)]), maas.InvalidArgument, "units"),
        (fit(layers=[Dense(3, activation="rely")]), maas.InvalidArgument, "relu"),
        (fit(layers=[train.Conv2D(3)]), maas.ShapeMismatch, "line 2"),
        (fit(layers=["dense"]), TypeError, "layer"),
        (fit(layers=[Dense("1 bias=false")]), maas.InvalidArgument, "cannot have the value"),
        (fit(epochs=-1), maas.OutOfRange, "epochs"),
        (fit(batch_size=0), maas.OutOfRange, "batch_size"),
        (fit(sample_weight=-np.ones(100)), maas.InvalidArgument, "sample 0 has -1.0"),
        (fit(sample_weight=np.where(np.arange(100) == 7, math.nan, 1)), maas.InvalidArgument, "sample 7 has nan"),
        (fit(class_weight={0: -1.0}), maas.InvalidArgument, "class_weight"),
        (lambda: Sequential([Dense(1)]).fit(X, Y), maas.NotReady, r"fit\(\) needs an optimizer and a loss"),
        (lambda: Sequential([Dense(1)]).evaluate(X, Y), maas.NotReady, "compile"),
        (lambda: Sequential([Dense(1)]).train_on_batch(X, Y), maas.NotReady, "compile"),
        (fit(validation_split=1.5), maas.InvalidArgument, "validation_split"),
        (fit(callbacks=[train.EarlyStopping()]), maas.InvalidArgument, "val_loss"),
        (lambda: Sequential([Dense(1)]).compile("adan"), maas.NotFound, "adam"),
        (lambda: Sequential([Dense(1)]).compile(metrics=["acuracy"]), maas.NotFound, "accuracy"),
        (lambda: Sequential([Dense(1)]).predict(X), maas.NotReady, "fit"),
        (lambda: train.Trainer("input 2\ndense 1", rate=3), maas.NotFound, "learning_rate"),
        (lambda: train.Trainer.open(b"junk"), maas.InvalidModel, "model"),
        (lambda: train.Trainer.open("/nowhere/model.onnx"), maas.NotFound, "/nowhere"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_an_exception_of_a_callback_comes_out():
    def failing(epoch, logs):
        raise KeyError("no more")

    model = Sequential([Dense(1)]).compile()
    with pytest.raises(KeyError, match="no more"):
        model.fit(X, Y, epochs=5, callbacks=[failing], verbose=0)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    "change",
    [lambda t: t.close(), lambda t: t.set(learning_rate=9), lambda t: t.set_parameter("dense_1/bias", [0]),
        lambda t: t.step(X, Y),
     lambda t: t.fit(X, Y), lambda t: t.restore("nowhere"), lambda t: t.__exit__()],
)  # fmt: skip
def test_callbacks_do_not_change_their_trainer(change):
    def callback(epoch):
        with pytest.raises(maas.Busy):
            change(trainer)
        heard.append(trainer.predict(X).shape)

    heard = []
    with train.Trainer("input 10\ndense 1", epochs=3) as trainer:
        expected = train.Trainer("input 10\ndense 1", epochs=3).fit(X, Y)["loss"]
        np.testing.assert_array_equal(trainer.fit(X, Y, callback=callback)["loss"], expected)
        assert heard == [(100, 1)] * 3
    with pytest.raises(maas.InvalidArgument, match="closed"):
        trainer.step(X, Y)


def test_an_epoch_is_over_after_its_callback():
    kept = []
    train.Trainer("input 10\ndense 1", epochs=2).fit(X, Y, callback=kept.append)
    with pytest.raises(maas.MaasError, match="over"):
        kept[0]["loss"]
