"""The reference program on scikit-learn."""
import pickle
import sys

import numpy as np
from sklearn.neural_network import MLPRegressor

x, y = np.random.rand(100, 10), np.random.rand(100)
model = MLPRegressor(hidden_layer_sizes=(10,), max_iter=100, batch_size=25, tol=0.0, n_iter_no_change=1000)
model.fit(x, y)
print(model.loss_)
with open(sys.argv[1], "wb") as file:
    pickle.dump(model, file)
