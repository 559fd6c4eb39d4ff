"""The process in which an oracle of other people's lives: reads pickled inputs, writes pickled answers."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np

# TensorFlow Lite Micro's arena is grown to what the model needs; its default is too small for some models.
_FIRST_ARENA = 1 << 20
_LAST_ARENA = 1 << 29


class TensorFlowLiteMicro:
    def __init__(self, model: Path, keep_tensors: bool) -> None:
        from tflite_micro.python.tflite_micro.runtime import Interpreter, InterpreterConfig

        data = model.read_bytes()
        tensors, self._outputs = _subgraph(data)
        self._kept = range(tensors) if keep_tensors else range(0)
        config = (
            InterpreterConfig.kPreserveAllTensors if keep_tensors else InterpreterConfig.kAllocationRecording
        )
        arena = _FIRST_ARENA
        while True:
            try:
                self._interpreter = Interpreter.from_bytes(data, arena_size=arena, intrepreter_config=config)
                return
            except RuntimeError:
                arena *= 4
                if arena > _LAST_ARENA:
                    raise

    def run(self, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
        for index, array in enumerate(inputs):
            self._interpreter.set_input(array, index)
        self._interpreter.invoke()
        outputs = [np.array(self._interpreter.get_output(index)) for index in range(self._outputs)]
        return outputs, {index: one for index in self._kept if (one := self._tensor(index)) is not None}

    def _tensor(self, index: int) -> np.ndarray | None:
        try:
            return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])
        except (AttributeError, KeyError, TypeError, RuntimeError, ValueError):
            return None


class LiteRT:
    def __init__(self, model: Path, keep_tensors: bool) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._interpreter = Interpreter(
            model_path=str(model),
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=keep_tensors,
        )
        self._interpreter.allocate_tensors()
        self._inputs = [detail["index"] for detail in self._interpreter.get_input_details()]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        details = self._interpreter.get_tensor_details() if keep_tensors else []
        self._kept = [detail["index"] for detail in details]

    def run(self, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
        for index, array in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        outputs = [self._interpreter.get_tensor(index) for index in self._outputs]
        return outputs, {index: one for index in self._kept if (one := self._tensor(index)) is not None}

    def _tensor(self, index: int) -> np.ndarray | None:
        try:
            return self._interpreter.get_tensor(index)
        except ValueError:  # a tensor without memory of its own
            return None


def _subgraph(data: bytes) -> tuple[int, int]:
    """How many tensors and how many outputs the first subgraph has."""
    from ai_edge_litert import schema_py_generated as schema

    subgraph = schema.Model.GetRootAs(data, 0).Subgraphs(0)
    return subgraph.TensorsLength(), subgraph.OutputsLength()


def main() -> None:
    # The interpreters print to standard output; answers keep a stream of their own.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    name, model, keep_tensors = sys.argv[1:]
    try:
        oracle = {"tflm": TensorFlowLiteMicro, "litert": LiteRT}[name](Path(model), keep_tensors == "1")
        while True:
            try:
                inputs = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            pickle.dump(("answer", *oracle.run(inputs)), answers)
            answers.flush()
    except Exception as error:
        # Whatever it is, the parent process reports it as the oracle's failure.
        pickle.dump(("error", f"{type(error).__name__}: {error}"), answers)
        answers.flush()


if __name__ == "__main__":
    main()
