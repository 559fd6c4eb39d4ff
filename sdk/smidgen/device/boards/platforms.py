"""Which target a platform of a hardware map is."""

from __future__ import annotations

import os
import re

from smidgen.targets import Target, list_targets, load_target

# These run without anything attached.
VIRTUAL_RUNNERS = ("host", "verilator", "qemu", "rp2040js")


def target_of(platform: str) -> Target | None:
    """The target of this name or file, or the one that Zephyr's name means; None where there is none.

    Zephyr's names differ in punctuation and go on with the chip: `nucleo_f446re/stm32f446xx` is the target
    nucleo-f446re, `mps2/an386` is mps2-an386. Raises UsageError when the target's file is wrong.
    """
    targets = list_targets()
    if platform in targets:
        return load_target(platform)
    if platform.endswith(".toml"):
        return load_target(platform)
    named = {_bare(name): name for name in targets}
    for candidate in (platform, platform.split("/")[0].split("@")[0]):
        if _bare(candidate) in named:
            return load_target(named[_bare(candidate)])
    return None


def is_virtual(target: Target) -> bool:
    return target.runner.kind in VIRTUAL_RUNNERS


def _bare(name: str) -> str:
    return re.sub(rf"[-_/@.{re.escape(os.sep)}]", "", name.lower())
