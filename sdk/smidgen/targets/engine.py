"""`[engine]`: the neural engine beside the core, and whether the system has one of that size."""

from __future__ import annotations

from dataclasses import fields

from smidgen.npu.descriptor import Engine
from smidgen.targets.configurations import configurations
from smidgen.targets.table import Table
from smidgen.targets.types import Fpga, Runner

NPU = "npu"  # the kernel set that needs it
_LANES = (8, 16)
_RECORD_BLOCKS = 5  # of what is recorded of descriptors
_LEAST_BYTES, _MOST_BYTES = 1 << 12, 1 << 16  # of a buffer; a descriptor counts bytes of rows with 16 bits


def read_engine(top: Table, kernels: tuple[str, ...]) -> Engine | None:
    """The target's `[engine]`, None when it has none."""
    table = top.table("engine", required=False)
    if table is None:
        if NPU in kernels:
            usual = ", ".join(f"{name} = {value}" for name, value in vars(Engine()).items())
            what = f"is missing, and 'kernels' names '{NPU}'"
            top.problem("engine", what, f"say which neural engine the system has, such as: {usual}")
        return None
    values = {one.name: table.number(one.name) for one in fields(Engine)}
    table.finish()
    right = {
        name: value for name, value in values.items() if value is not None and _is_right(table, name, value)
    }
    return Engine(**right) if right.keys() == values.keys() else None


def _is_right(table: Table, name: str, value: int) -> bool:
    if name == "lanes":
        if value not in _LANES:
            table.problem(name, f"is {value}", f"use one of: {', '.join(map(str, _LANES))}")
        return value in _LANES
    is_size = _LEAST_BYTES <= value <= _MOST_BYTES and not value & (value - 1)
    if not is_size:
        what = f"is {value:,}, which is no power of two from {_LEAST_BYTES:,} to {_MOST_BYTES:,}"
        table.problem(name, what)
    return is_size


def verilog_parameters(engine: Engine) -> dict[str, int]:
    """Of hw/soc/midge_soc.sv, and of the boards' modules."""
    return {f"NPU_{name.upper()}": value for name, value in vars(engine).items()}


def block_rams(engine: Engine) -> int:
    """Of an ECP5 (DP16KD: 2,048 bytes or 512 words), that it takes: for each lane bytes of activations and
    words of weights, besides the records."""
    activations = -(-engine.activation_bytes // engine.lanes // 2048)
    weights = -(-engine.weight_bytes // engine.word_bytes // 512)
    return engine.lanes * (activations + weights) + _RECORD_BLOCKS


def check_engine(top: Table, engine: Engine | None, runner: Runner, fpga: Fpga | None) -> None:
    """The system that the target runs on has an engine, which in the simulator is of a certain size."""
    if engine is None:
        return
    name = runner.configuration if fpga is None else fpga.configuration
    configuration = configurations().get(name)
    if configuration is None:
        return
    if not configuration.get("NPU"):
        able = ", ".join(name for name, values in configurations().items() if values.get("NPU"))
        top.problem(
            "engine", f"is there, but '{name}' has no neural engine", f"configurations with one: {able}"
        )
    elif fpga is None:
        there = Engine(**{one.name: configuration[f"NPU_{one.name.upper()}"] for one in fields(Engine)})
        if there != engine:
            has = ", ".join(f"{name} = {value}" for name, value in vars(there).items())
            top.problem("engine", f"is not the engine that the simulated system '{name}' has", f"write {has}")
