"""What is known about a model before anything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Sizes in bytes; None where a target cannot give one.

    weights_bytes: weights, biases and requantization parameters, as stored; code_bytes: instructions and
    read-only data of the model function, its kernels and what they pull in from mem* and libgcc, without
    weights and profile hooks; agent_code_bytes: agent and board, without what the agent is told about the
    model (names, shapes, known answers; `descriptor_bytes` of the manifest); flash_bytes, ram_bytes: the
    whole image, which has profile hooks; stack_bytes: static bound of the model function.
    """

    weights_bytes: int
    code_bytes: int | None = None
    agent_code_bytes: int | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    stack_bytes: int | None = None


@dataclass(frozen=True)
class Golden:
    """A known answer: the seed of `golden.golden_inputs`, and the checksum of every tensor written."""

    seed: int
    checksums: tuple[int, ...]
