"""Runs models on TensorFlow Lite Micro in a process of its own, because a damaged model can crash it.

python tflm_worker.py FOLDER NUMBER...  reads NUMBER.tflite and NUMBER.input.npz and writes NUMBER.output.npz;
nothing is written for a model that the oracle refuses. Prints each number when it is done with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from tflite_micro.python.tflite_micro import runtime

ARENA_BYTES = 8 << 20


def main() -> None:
    folder = Path(sys.argv[1])
    for number in sys.argv[2:]:
        inputs = np.load(folder / f"{number}.input.npz")
        content = (folder / f"{number}.tflite").read_bytes()
        try:
            interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
            for index, name in enumerate(inputs.files):
                interpreter.set_input(inputs[name], index)
            interpreter.invoke()
            outputs = []
            while True:
                try:
                    outputs.append(interpreter.get_output(len(outputs)))
                except IndexError:
                    break
            np.savez(folder / f"{number}.output.npz", *outputs)
        except (RuntimeError, ValueError) as error:
            print(f"{number} refused: {error}", file=sys.stderr, flush=True)
        print(number, flush=True)


if __name__ == "__main__":
    main()
