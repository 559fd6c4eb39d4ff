"""@{title}: one inference, with the neural engine behind a bitstream or at given addresses."""

import sys
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PACKAGE / "board"))

from smidgen_npu import Model, command_line  # noqa: E402

engine = command_line(__doc__)
model = Model(PACKAGE / "board" / "lib@{name}.so", PACKAGE / "board" / "model.json", engine)
# Your data goes here: port.quantize turns real numbers into the model's.
inputs = [np.zeros(port.shape, port.dtype) for port in model.inputs]
outputs = model.run(*inputs)
print(f"the largest element of output 0 is number {int(np.argmax(outputs[0]))}")
for layer in model.layers:
    cycles, read, written = layer.counters
    print(f"{layer.name}: {cycles} cycles of the engine, {read} bytes read, {written} written")
