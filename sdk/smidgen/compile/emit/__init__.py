"""C from a planned schedule: model.h, model.c, model_weights.h and model_agent.c."""

from __future__ import annotations

import hashlib

from smidgen import __version__
from smidgen.compile.emit.agent import agent_c
from smidgen.compile.emit.header import model_h
from smidgen.compile.emit.names import identifier, unique_identifiers
from smidgen.compile.emit.source import model_c
from smidgen.compile.emit.template import comment_text
from smidgen.compile.emit.weights import weights_h
from smidgen.compile.figures import Figures, Golden
from smidgen.compile.schedule import Schedule


def emit(
    schedule: Schedule,
    figures: Figures,
    target: str,
    optimize: str = "speed",
    golden: tuple[Golden, ...] = (),
) -> dict[str, str]:
    """File names and texts of the generated C, for a folder that also holds `kernels/`.

    figures: become constants of the header; target: its name, for the comments; golden: known answers
    that the agent's self-test checks.
    """
    prefix = identifier(schedule.name)
    blob_names = unique_identifiers(schedule.blobs, f"{prefix}_w")
    heading: dict[str, object] = {"model": comment_text(schedule.name), "smidgen_version": __version__}
    blobs = dict(schedule.blobs)
    return {
        "model.h": model_h(heading, prefix, schedule, figures, model_version(schedule), target),
        "model.c": model_c(heading, prefix, schedule, blob_names, optimize),
        "model_weights.h": weights_h(heading, prefix, blobs, blob_names),
        "model_agent.c": agent_c(heading, prefix, schedule, golden),
    }


def model_version(schedule: Schedule) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of what the model computes: calls and constants."""
    digest = hashlib.sha256()
    for call in schedule.calls:
        digest.update(repr((call.symbol, sorted(call.shape.items()), call.reads, call.writes)).encode())
    for blob in schedule.blobs.values():
        digest.update(blob.data.tobytes())
    return digest.hexdigest()[:16]


__all__ = ["emit", "identifier", "model_version"]
