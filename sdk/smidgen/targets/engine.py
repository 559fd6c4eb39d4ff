"""`[engine]`: the neural engine beside the core, and whether the system has one of that size."""

from __future__ import annotations

import tomllib
from dataclasses import fields

from smidgen.npu.descriptor import Engine
from smidgen.paths import data_folder
from smidgen.targets.table import Table
from smidgen.targets.types import Fpga, Runner

NPU = "npu"  # the kernel set that needs it
_LANES = (8, 16)
_LEAST_BYTES, _MOST_BYTES = 1 << 12, 1 << 16  # of a buffer; a descriptor counts bytes of rows with 16 bits


def read_engine(top: Table, kernels: tuple[str, ...], runner: Runner, fpga: Fpga | None) -> Engine | None:
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
    lanes = values.pop("lanes")
    if lanes is not None and lanes not in _LANES:
        table.problem("lanes", f"is {lanes}", f"use one of: {', '.join(map(str, _LANES))}")
    for name, size in values.items():
        if size is not None and (size & (size - 1) or not _LEAST_BYTES <= size <= _MOST_BYTES):
            what = f"is {size:,}, which is no power of two from {_LEAST_BYTES:,} to {_MOST_BYTES:,}"
            table.problem(name, what)
    if lanes is None or None in values.values():
        return None
    engine = Engine(lanes, **values)
    _check_configuration(table, engine, runner, fpga)
    return engine


def verilog_parameters(engine: Engine) -> dict[str, int]:
    """Of hw/soc/midge_soc.sv, and of the boards' modules."""
    return {f"NPU_{name.upper()}": value for name, value in vars(engine).items()}


def _check_configuration(table: Table, engine: Engine, runner: Runner, fpga: Fpga | None) -> None:
    """The system that the target runs on has an engine, which in the simulator is of a certain size."""
    configurations = tomllib.loads((data_folder("hw") / "configurations.toml").read_text(encoding="utf-8"))
    name = runner.configuration if fpga is None else fpga.configuration
    configuration = configurations.get(name)
    if configuration is None:
        return
    if not configuration.get("NPU"):
        able = ", ".join(name for name, values in configurations.items() if values.get("NPU"))
        table.problem("", f"is there, but '{name}' has no neural engine", f"configurations with one: {able}")
    elif fpga is None:
        there = Engine(**{one.name: configuration[f"NPU_{one.name.upper()}"] for one in fields(Engine)})
        if there != engine:
            has = ", ".join(f"{name} = {value}" for name, value in vars(there).items())
            table.problem("", f"is not the engine that the simulated system '{name}' has", f"write {has}")
