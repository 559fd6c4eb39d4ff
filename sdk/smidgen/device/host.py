"""Target `host`: the generated C as a shared library in this process."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smidgen.compile.bundle import Bundle
from smidgen.compile.schedule import ARENA_ALIGNMENT
from smidgen.device.base import (
    Description,
    Device,
    LayerChecksum,
    LayerCount,
    LayerInfo,
    MemoryUse,
    Profile,
    Run,
    SelfTest,
    TensorInfo,
    input_bytes,
    output_arrays,
)
from smidgen.errors import DeviceError, Problem
from smidgen.golden import checksum, golden_inputs
from smidgen.graph import DType

_BEGIN = 0  # the events of smidgen_model.h
_HOOK = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32
)


class HostDevice(Device):
    """A model of a bundle built for `host`. It counts neither cycles nor instructions."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._manifest = bundle.manifest
        self._inputs = tuple(_tensor(port) for port in self._manifest["inputs"])
        self._outputs = tuple(_tensor(port) for port in self._manifest["outputs"])
        self._library: ctypes.CDLL | None = None
        self._storage: Any = None
        self._arena = 0

    def load(self) -> None:
        path = self._bundle.library
        if path is None:
            fix = "build it with -t host"
            raise DeviceError(
                Problem(str(self._bundle.folder), "load: the bundle holds no shared library", fix)
            )
        self._library = _open(path)
        size = int(self._manifest["arena"]["bytes"]) + ARENA_ALIGNMENT
        self._storage = ctypes.create_string_buffer(size)
        start = ctypes.addressof(self._storage)
        self._arena = start + -start % ARENA_ALIGNMENT
        self.reset()

    def describe(self) -> Description:
        layers = tuple(LayerInfo(layer["name"], layer["type"]) for layer in self._manifest["layers"])
        return Description(
            board="host",
            model=self._bundle.name,
            version=str(self._manifest["version"]),
            clock_hz=None,
            inputs=self._inputs,
            outputs=self._outputs,
            layers=layers,
            golden_count=len(self._manifest["golden"]),
        )

    def run(self, inputs: Sequence[np.ndarray]) -> Run:
        run = self._function("run")
        self._write(inputs)
        run(self._arena)
        return Run(self._read(), None, None)

    def reset(self) -> None:
        self._function("reset")(self._arena)

    def profile(self, inputs: Sequence[np.ndarray]) -> Profile:
        self.reset()
        layers = [LayerCount(layer["name"], layer["type"], None, None) for layer in self._manifest["layers"]]
        return Profile(self.run(inputs), tuple(layers), None, None, None, None)

    def layer_checksums(self, inputs: Sequence[np.ndarray]) -> tuple[LayerChecksum, ...]:
        return tuple(
            LayerChecksum(layer, checksum(np.frombuffer(data, np.uint8)))
            for layer, data in self._run_hooked(inputs)
        )

    def tensors(self, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Every tensor that a run of this input writes, by name, flat. State goes on as with `run`."""
        written = [output for layer in self._manifest["layers"] for output in layer["outputs"]]
        results = self._run_hooked(inputs)
        return {
            output["tensor"]: np.frombuffer(data, DType(output["dtype"]).numpy)
            for output, (_, data) in zip(written, results, strict=True)
        }

    def memory(self) -> MemoryUse:
        return MemoryUse(None, None, None, None, None, int(self._manifest["arena"]["bytes"]), None)

    def selftest(self) -> SelfTest:
        checked = 0
        for golden in self._manifest["golden"]:
            self.reset()
            inputs = golden_inputs([(info.shape, info.dtype) for info in self._inputs], golden["seed"])
            actual = self.layer_checksums(inputs)
            for expected, one in zip(golden["checksums"], actual, strict=True):
                checked += 1
                if expected != one.crc:
                    layer = self._manifest["layers"][one.layer]["name"]
                    return SelfTest(False, checked, layer, expected, one.crc)
        self.reset()
        return SelfTest(True, checked)

    def close(self) -> None:
        self._library = None
        self._storage = None

    def _function(self, name: str) -> Callable[..., None]:
        if self._library is None:
            raise DeviceError(Problem(self._bundle.name, f"{name}: the device is not loaded"))
        function = getattr(self._library, f"{self._bundle.prefix}_{name}")
        function.restype = None
        extra = [_HOOK, ctypes.c_void_p] if name == "run_hooked" else []
        function.argtypes = [ctypes.c_void_p, *extra]
        return function

    def _write(self, inputs: Sequence[np.ndarray]) -> None:
        for port, data in zip(self._manifest["inputs"], input_bytes(self._inputs, inputs), strict=True):
            ctypes.memmove(self._arena + port["offset"], data, len(data))

    def _read(self) -> tuple[np.ndarray, ...]:
        ports = self._manifest["outputs"]
        pieces = [ctypes.string_at(self._arena + port["offset"], port["bytes"]) for port in ports]
        return output_arrays(self._outputs, b"".join(pieces))

    def _run_hooked(self, inputs: Sequence[np.ndarray]) -> list[tuple[int, bytes]]:
        """(layer, bytes of the tensor) for each tensor that a run writes, in order."""
        events: list[tuple[int, bytes]] = []

        def hook(context: int | None, layer: int, event: int, output: int | None, size: int) -> None:
            if event != _BEGIN and output is not None:
                events.append((layer, ctypes.string_at(output, size)))

        run_hooked = self._function("run_hooked")
        self._write(inputs)
        run_hooked(self._arena, _HOOK(hook), None)
        return events


def _open(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path.resolve()))
    except OSError as error:
        raise DeviceError(
            Problem(str(path), f"load: {error}", "build the bundle again on this machine")
        ) from None


def _tensor(port: dict[str, Any]) -> TensorInfo:
    return TensorInfo(
        port["name"], tuple(port["shape"]), DType(port["dtype"]), port["scale"], port["zero_point"]
    )
