"""Zephyr: a module with its Kconfig option; its examples are applications that twister runs."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="zephyr",
    specification="Zephyr's manual, Modules (external projects)",
    tool="west and Zephyr",
    proven=False,
    proof="Zephyr cannot be had from a package registry: module.yml, Kconfig and prj.conf are checked, and "
    "CMake builds the examples with stand-ins for Zephyr's functions",
    program="src/main.c",
    ends=("    return 0;\n", "    return 0; /* all that Zephyr allows */\n"),
    reserved=frozenset({"app", "kernel", "offsets", "zephyr", "zephyr_interface"}),
)
