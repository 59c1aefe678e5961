"""The reference program on Keras."""
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

x, y = np.random.rand(100, 10), np.random.rand(100, 1)
model = keras.Sequential([keras.layers.Dense(10, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
history = model.fit(x, y, epochs=100, batch_size=25, verbose=0)
print(history.history["loss"][-1])
model.save(sys.argv[1] + ".keras")
