"""The network: a U-Net (O. Ronneberger et al., arXiv 1505.04597) of spectra, as small as the scenes are."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

FILTERS = 16  # of the first level; each level down has twice as many
LEVELS = 3


def build(shape: tuple[int, int, int], classes: int, filters: int = FILTERS) -> keras.Model:
    """It gives one number for each class at each pixel (logits: the largest is the answer).

    Upwards it repeats pixels and convolves, where the original has transposed convolutions: that is what an
    engine for convolutions computes fastest.
    """

    def block(x, count: int, depth: int = 1):
        for _ in range(depth):
            x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    image = keras.Input(shape)
    x, skips = image, []
    for level in range(LEVELS):
        skips.append(block(x, filters << level, 2))
        x = layers.MaxPooling2D(2)(skips[-1])
    x = block(x, filters << LEVELS, 2)
    for level in reversed(range(LEVELS)):
        x = layers.UpSampling2D(2)(x)
        x = layers.Concatenate()([skips[level], x])
        x = block(x, filters << level)
    return keras.Model(image, layers.Conv2D(classes, 1)(x), name="unet")


def train(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int, batch: int = 8) -> None:
    """y: the class of each pixel, -1 where it is unknown. Rare classes weigh more."""
    classes = model.output_shape[-1]
    shares = np.array([(y == index).sum() for index in range(classes)]) / (y >= 0).sum()
    weights = np.append(1 / np.sqrt(np.maximum(shares, 1e-3)), 0.0).astype(np.float32)
    weights /= (weights[:-1] * shares).sum()
    steps = epochs * (len(x) // batch)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=4e-3, warmup_steps=steps // 10
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(x, np.maximum(y, 0), batch, epochs, sample_weight=weights[y], verbose=0)
