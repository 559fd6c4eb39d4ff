"""CMake: a library target, examples that CTest runs, and a package for find_package."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="cmake",
    specification="the CMake manual, 3.16",
    tool="CMake",
    proven=True,
    proof="built and run with CTest on the host and on Cortex-M3, M4 and M55 in QEMU; installed and found by "
    "find_package",
    reserved=frozenset({
        "all", "clean", "depend", "edit_cache", "experimental", "help", "install", "list_install_components",
        "nightly", "package", "package_source", "preinstall", "rebuild_cache", "test",
    }),
)  # fmt: skip
