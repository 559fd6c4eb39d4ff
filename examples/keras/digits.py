"""A Keras model on a microcontroller: train it, compress it to int8, run it on this machine and on the core.

    python examples/keras/digits.py        after: pip install -e '.[train]'

Only the training needs Keras: `smidgen compress -m digits.keras --data digits.npz -o digits.tflite` does the
same on a machine that has neither Keras nor TensorFlow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

from smidgen.run.compressing import compress
from smidgen.run.data import DataSource
from smidgen.run.inputs import check_arrays
from smidgen.run.recipe import Recipe
from smidgen.run.running import accuracy, run_all
from smidgen.run.session import open_session

TRAINED, CALIBRATED, EPOCHS = 1000, 256, 12
TARGETS = {"host": 100, "midge": 5}  # how many digits are run there


def trained_model(images: np.ndarray, labels: np.ndarray) -> keras.Model:
    """images: (N, 8, 8, 1) in [0, 1]."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SeparableConv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=32, epochs=EPOCHS, verbose=0)
    return model


def main() -> int:
    keras.utils.set_random_seed(7)
    digits = load_digits()
    order = np.random.default_rng(7).permutation(len(digits.target))
    images, labels = (digits.images[order, :, :, None] / 16).astype(np.float32), digits.target[order]
    x, y = images[TRAINED:], labels[TRAINED:]
    with tempfile.TemporaryDirectory() as folder:
        model, data = Path(folder) / "digits.keras", Path(folder) / "digits.npz"
        trained_model(images[:TRAINED], labels[:TRAINED]).save(model)
        np.savez(data, x=x, y=y)
        # The first samples choose the ranges of activations, the others are reported on.
        small = compress(model, Recipe(data=DataSource(str(data)), calibrate=CALIBRATED))
    shares = small.evidence.accuracy
    print(f"float32: {shares.before.value:.1%} of {shares.before.total} digits that it has not seen")
    print(f"int8:    {shares.after.value:.1%}, with {small.evidence.weight_bytes:,} bytes of weights")
    for target, count in TARGETS.items():
        with open_session(small.graph, target) as session:
            # float images become int8 on the way, as the model takes them.
            inputs = check_arrays(session.graph, {"x": x[-count:], "y": y[-count:]}, "digits")
            outputs = [run.outputs[0] for run in run_all(session.device, inputs.samples)]
            right, arena = accuracy(outputs, inputs.labels), session.schedule.arena_bytes
            print(f"{target}: {right:.0%} of {count} digits, in an arena of {arena:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
