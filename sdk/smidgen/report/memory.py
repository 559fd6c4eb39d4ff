"""What lies in each memory of a target, for the memory map and for what `analyze` prints."""

from __future__ import annotations

from smidgen.report.svg import Part, Region
from smidgen.run.result import Result
from smidgen.targets import Memory, Target
from smidgen.targets.types import EXTERNAL


def regions_of(result: Result, target: Target) -> list[Region]:
    """The target's first flash and RAM and its external memory with their parts; empty where it has none."""
    flash, ram, external = (target.memory_of_kind(kind) for kind in ("flash", "ram", EXTERNAL))
    arena = Part("arena", result.arena_bytes or 0, "part-weights")
    regions = []
    if flash is not None and result.flash_bytes is not None:
        parts = [
            Part("weights", result.weights_bytes or 0, "part-weights"),
            Part("model code", result.code_bytes or 0, "part-model"),
            Part("agent", result.agent_code_bytes or 0, "part-agent"),
        ]
        parts.append(_rest("other", result.flash_bytes, parts))
        regions.append(Region(_name(flash), flash.length, _present(parts)))
    if ram is not None and result.ram_bytes is not None:
        parts = [Part("stack bound", result.stack_bytes or 0, "part-model")]
        if external is None:
            parts.insert(0, arena)
        parts.append(_rest("agent and reserve", result.ram_bytes, parts))
        regions.append(Region(_name(ram), ram.length, _present(parts)))
    if external is not None:
        parts = [Part("weights", result.weights_bytes or 0, "part-model"), arena]
        regions.append(Region(_name(external), external.length, _present(parts)))
    return regions


def _name(memory: Memory) -> str:
    return memory.name if memory.name == memory.kind else f"{memory.name} ({memory.kind})"


def _rest(name: str, whole: int, parts: list[Part]) -> Part:
    return Part(name, max(whole - sum(part.bytes for part in parts), 0), "part-other")


def _present(parts: list[Part]) -> list[Part]:
    return [part for part in parts if part.bytes]
