"""TensorFlow and Keras, which only training needs: the one place that imports them."""

from __future__ import annotations

import os

from smidgen.errors import Problem, UsageError

# What TensorFlow tells of processors and libraries would bury the progress of the training.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

try:
    import keras
    import tensorflow as tf
except ImportError as error:
    raise UsageError(
        Problem("training", f"it needs TensorFlow and Keras ({error})", "pip install 'smidgen[train]'")
    ) from None

if keras.backend.backend() != "tensorflow":
    raise UsageError(
        Problem(
            "training",
            f"Keras runs on {keras.backend.backend()} here",
            "set KERAS_BACKEND=tensorflow; only TensorFlow has the integer operators that training needs",
        )
    )

__all__ = ["keras", "tf"]
