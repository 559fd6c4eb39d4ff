"""An ONNX model on a microcontroller: make one, compress it to int8, run it. Needs no PyTorch.

    python examples/onnx/digits.py [target]

The model reads images channels first, (N, 1, 8, 8), as PyTorch exports them. Smidgen turns it to channels
last, so the data are (N, 8, 8, 1).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

from smidgen.run.compressing import compress
from smidgen.run.data import DataSource
from smidgen.run.inputs import check_arrays
from smidgen.run.recipe import Recipe
from smidgen.run.running import accuracy, run_all
from smidgen.run.session import open_session

TRAINED, CALIBRATED, RUN = 1200, 100, 100


def make_model(images: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    """Random 3x3 filters, ReLU, 2x2 maxima, and a layer fitted to what comes out. images: (N, 8, 8)."""
    filters = np.random.default_rng(7).normal(0, 0.5, (12, 1, 3, 3)).astype(np.float32)
    windows = sliding_window_view(np.pad(images, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2))
    maps = np.maximum(np.einsum("nyxij,cij->ncyx", windows, filters[:, 0]), 0)
    features = maps.reshape(-1, 12, 4, 2, 4, 2).max((3, 5)).reshape(len(images), -1)
    rows = np.hstack([features, np.ones((len(images), 1))])  # least squares, with a little damping
    answers = np.linalg.solve(rows.T @ rows + 0.1 * np.eye(rows.shape[1]), rows.T @ (8 * np.eye(10)[labels]))
    nodes = [
        helper.make_node("Conv", ["image", "filters"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("MaxPool", ["positive"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["scores"], transB=1),
        helper.make_node("Softmax", ["scores"], ["digit"]),
    ]
    constants = {"filters": filters, "weights": answers[:-1].T, "bias": answers[-1]}
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("digit", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def main(target: str = "host") -> int:
    digits = load_digits()
    order = np.random.default_rng(7).permutation(len(digits.target))
    images, labels = (digits.images[order] / 16).astype(np.float32), digits.target[order]
    x, y = images[TRAINED:, :, :, None], labels[TRAINED:]
    with tempfile.TemporaryDirectory() as folder:
        model, data = Path(folder) / "digits.onnx", Path(folder) / "digits.npz"
        onnx.save(make_model(images[:TRAINED], labels[:TRAINED]), model)
        np.savez(data, x=x, y=y)
        # The first samples choose the ranges of activations, the others are reported on.
        small = compress(model, Recipe(data=DataSource(str(data)), calibrate=CALIBRATED))
    shares = small.evidence.accuracy
    print(f"float32: {shares.before.value:.1%} of {shares.before.total} digits that it has not seen")
    print(f"int8:    {shares.after.value:.1%}, with {small.evidence.weight_bytes:,} bytes of weights")
    with open_session(small.graph, target) as session:
        # float images become int8 on the way, as the model takes them.
        inputs = check_arrays(session.graph, {"x": x[-RUN:], "y": y[-RUN:]}, "digits")
        outputs = [run.outputs[0] for run in run_all(session.device, inputs.samples)]
        right = accuracy(outputs, inputs.labels)
        arena = session.plan.schedule.arena_bytes
        print(f"{target}: {right:.0%} of {RUN} digits, in an arena of {arena:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
