"""A compiled model: layers for the engine run there, the others as C on this processor."""

from __future__ import annotations

import ctypes
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .engine import WORDS, Buffer, Counters, EngineError, NeuralEngine

LOAD, STORE = 1, 2  # kinds of descriptors
_RUN_LIST = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p))


class Port(NamedTuple):
    """An input or output of the model; scale and zero_point: None and 0 where it is not quantized as one."""

    name: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Real numbers as the model takes them."""
        limits = np.iinfo(self.dtype)
        whole = np.round(np.asarray(values) / (self.scale or 1.0)) + self.zero_point
        return np.clip(whole, limits.min, limits.max).astype(self.dtype)

    def dequantize(self, values: np.ndarray) -> np.ndarray:
        return (values.astype(np.float32) - self.zero_point) * (self.scale or 1.0)


class LayerRun(NamedTuple):
    """A layer that ran on the engine."""

    name: str
    descriptors: int
    counters: Counters


class _List(NamedTuple):
    words: np.ndarray
    place: Buffer


class Model:
    """A model of a package.

    library: what `make` made of it; description: its `model.json`. layers: of the last run, those that the
    engine did. Raises EngineError when it was compiled for another engine, OSError when a file is missing.
    """

    def __init__(
        self, library: str | os.PathLike[str], description: str | os.PathLike[str], engine: NeuralEngine
    ) -> None:
        about = json.loads(Path(description).read_text(encoding="utf-8"))
        engine.require(**about["engine"])
        self.engine = engine
        self.layers: list[LayerRun] = []
        self.inputs, self.outputs = (
            [Port(**{**port, "shape": tuple(port["shape"])}) for port in about[ports]]
            for ports in ("inputs", "outputs")
        )
        self._names = about["layers"]
        self._prefix = about["prefix"]
        self._library = ctypes.CDLL(str(Path(library).resolve()))
        self._size = int(about["arena_bytes"])
        self._arena = engine.memory.allocate(self._size)
        self._start = self._arena.array.ctypes.data
        if self._start % about["arena_alignment"] or self._arena.address % about["arena_alignment"]:
            raise EngineError(f"the arena must be at a multiple of {about['arena_alignment']} bytes")
        self._lists: dict[int, _List] = {}
        self._constants: dict[int, Buffer] = {}
        self._problem: Exception | None = None
        self._callback = _RUN_LIST(self._run_list)  # must live as long as the library
        self._function("use_engine", _RUN_LIST)(self._callback)
        self.reset()

    def reset(self) -> None:
        """Set the state, if the model has one, to what it is before the first run."""
        self._function("reset", ctypes.c_void_p)(self._start)

    def run(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs for these inputs, integers of the model's types (see Port.quantize)."""
        if len(inputs) != len(self.inputs):
            raise ValueError(f"the model has {len(self.inputs)} inputs, not {len(inputs)}")
        for port, values in zip(self.inputs, inputs):  # noqa: B905, for Python 3.8
            if values.shape != port.shape or values.dtype != port.dtype:
                what = f"{values.shape} of {values.dtype}"
                raise ValueError(f"input '{port.name}' is {port.shape} of {port.dtype}, not {what}")
            self._tensor(port)[...] = values
        self._call("run", None)
        return [self._tensor(port).copy() for port in self.outputs]

    def golden_test(self) -> int:
        """Run the model on the inputs that it was delivered with; how many output bytes are wrong."""
        return int(self._call("golden_test", ctypes.c_uint32))

    def _tensor(self, port: Port) -> np.ndarray:
        dtype = np.dtype(port.dtype)
        size = int(np.prod(port.shape)) * dtype.itemsize
        return self._arena.array[port.offset : port.offset + size].view(dtype).reshape(port.shape)

    def _function(self, name: str, *arguments: object) -> Any:
        function = getattr(self._library, f"{self._prefix}_{name}")
        function.restype, function.argtypes = None, arguments
        return function

    def _call(self, name: str, result: object) -> int | None:
        """Call a function of the library that runs the model, and raise what was raised while it ran."""
        self.layers, self._problem = [], None
        function = self._function(name, ctypes.c_void_p)
        function.restype = result
        value = function(self._start)
        if self._problem is not None:
            raise self._problem
        return value

    def _run_list(self, address: int, count: int, bases: Any) -> None:
        """What the library calls for each layer of the engine."""
        if self._problem is not None:
            return  # its input is not there
        name = self._names[len(self.layers) % len(self._names)]
        try:
            one = self._lists.get(address) or self._place_list(address, count)
            pointers = [bases[n] for n in range(4)]
            on_bus = [self._on_bus(pointer, number, one.words) for number, pointer in enumerate(pointers)]
            self._arena.flush()
            counters = self.engine.run(one.words, one.place, on_bus)
            self._arena.invalidate()
            self.layers.append(LayerRun(name, count, counters))
        except EngineError as error:
            self._problem = type(error)(f"layer '{name}': {error}", error.code, error.index)
        except Exception as error:  # ctypes would print it and go on
            self._problem = error

    def _place_list(self, address: int, count: int) -> _List:
        words = np.frombuffer(ctypes.string_at(address, 4 * WORDS * count), "<u4").reshape(count, WORDS)
        self._lists[address] = _List(words, self.engine.place(words))
        return self._lists[address]

    def _on_bus(self, pointer: int | None, number: int, words: np.ndarray) -> int:
        """The address at which the engine finds what base register `number` shall point to."""
        if pointer is None:
            return 0
        if self._start <= pointer < self._start + self._size:
            return self._arena.address + pointer - self._start
        if pointer not in self._constants:
            moves = np.isin(words[:, 0] & 15, (LOAD, STORE)) & (words[:, 0] >> 8 & 3 == number)
            size = int((words[moves, 2] + words[moves, 4]).max(initial=0))
            content = np.frombuffer(ctypes.string_at(pointer, size), np.uint8)
            self._constants[pointer] = self.engine.place(content)
        return self._constants[pointer].address
