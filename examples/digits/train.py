"""Train the digits classifier and quantize it to int8. Needs the `train` extra.

    python examples/digits/train.py

Reads scikit-learn's handwritten digits (8x8 pixels, UCI "Optical Recognition of Handwritten Digits") and
writes, beside this file, digits_int8.tflite and digits_test.npz (x float32 (N, 8, 8, 1) in [0, 1], y), and
the model before quantization as ../tflite/digits_float.tflite.
The seeds are fixed, so the same TensorFlow release on the same processor writes the same files.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 7
EPOCHS = 60


def load_data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x_train, x_test (N, 8, 8, 1) float32 in [0, 1]; y_train, y_test (N,) int64."""
    digits = load_digits()
    x = (digits.images[..., np.newaxis] / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        x, digits.target, test_size=360, random_state=SEED, stratify=digits.target
    )
    return x_train, x_test, y_train, y_test


def build_network(batch_size: int | None = None) -> keras.Model:
    """A convolution, then two depthwise separable blocks. batch_size: None for any."""

    def normalized(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    image = keras.Input((8, 8, 1), batch_size)
    x = normalized(layers.Conv2D(16, 3, padding="same", use_bias=False)(image))
    for channels, stride in ((32, 2), (64, 1)):
        x = normalized(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
        x = normalized(layers.Conv2D(channels, 1, use_bias=False)(x))
    x = layers.AveragePooling2D(2)(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x), name="digits")


def shifted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The images, and each shifted by one pixel in four directions."""
    moves = [np.roll(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), move, (1, 2))[:, 1:-1, 1:-1]
             for move in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))]  # fmt: skip
    return np.concatenate(moves), np.tile(y, len(moves))


def converter_of(model: keras.Model) -> tf.lite.TFLiteConverter:
    # With the batch size fixed, no shape is left to be computed at run time.
    fixed = build_network(batch_size=1)
    fixed.set_weights(model.get_weights())
    return tf.lite.TFLiteConverter.from_keras_model(fixed)


def quantize(model: keras.Model, samples: np.ndarray) -> bytes:
    """Full int8: weights, activations, input and output, calibrated on the samples."""
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def main() -> None:
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x_train, x_test, y_train, y_test = load_data()
    model = build_network()
    steps = EPOCHS * (len(x_train) * 5 // 64)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(*shifted(x_train, y_train), batch_size=64, epochs=EPOCHS, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"float accuracy on {len(x_test)} test images: {accuracy:.4f}")

    flatbuffer = quantize(model, x_train)
    (HERE / "digits_int8.tflite").write_bytes(flatbuffer)
    (HERE.parent / "tflite" / "digits_float.tflite").write_bytes(converter_of(model).convert())
    np.savez_compressed(HERE / "digits_test.npz", x=x_test, y=y_test.astype(np.int64))
    print(f"digits_int8.tflite: {len(flatbuffer)} bytes")


if __name__ == "__main__":
    main()
