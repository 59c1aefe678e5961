"""The reference program on maas: data, training, loss, file."""
import sys

import numpy as np

from maas.train import Dense, Sequential

x, y = np.random.rand(100, 10).astype("float32"), np.random.rand(100, 1).astype("float32")
model = Sequential([Dense(10, activation="relu"), Dense(1)]).compile(optimizer="adam", loss="mse")
history = model.fit(x, y, epochs=100, batch_size=25, verbose=0)
print(history.history["loss"][-1])
model.save(sys.argv[1])
