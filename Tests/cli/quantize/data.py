"""Writes calibration data for the demo model: data.py DIGITS. Also data that must be refused."""
import os
import sys

import numpy as np

images = np.concatenate([np.load(f"{sys.argv[1]}/images/{i}.npy") for i in range(10)])
np.savez("samples.npz", image=images)
np.save("samples.npy", images)
np.save("labels.npy", np.arange(10))
np.save("nine.npy", np.arange(9))
np.save("eleven.npy", np.arange(11))
np.save("floats.npy", np.zeros(10, np.float32))
os.mkdir("folder")
for i, image in enumerate(images):
    np.savez(f"folder/{i}.npz", image=image[None])
os.mkdir("empty")
np.savez("none.npz", image=images[:0])
spoiled = images.copy()
spoiled[3, 0, 2, 2] = np.nan
np.savez("nan.npz", image=spoiled)
spoiled[3, 0, 2, 2] = np.inf
np.savez("inf.npz", image=spoiled)
np.savez("zeros.npz", image=np.zeros_like(images))
np.savez("name.npz", picture=images)
np.savez("shape.npz", image=np.zeros((10, 1, 8, 9), np.float32))
np.savez("rank.npz", image=np.zeros((10, 8), np.float32))
np.savez("dtype.npz", image=images.astype(np.float64))
np.savez("counts.npz", image=images, other=images[:4])
