"""CMake: a library target, examples that CTest runs, and a package for find_package."""

from __future__ import annotations

from smidgen.libraries.content import Library
from smidgen.libraries.format import Format
from smidgen.libraries.templates import fill_folder


def layout(library: Library) -> dict[str, str]:
    options = ";".join(library.optimization)
    examples = library.examples(
        "c",
        entry="int main(void)",
        finish_minimal="    return 0;\n",
        finish_test="    return wrong != 0;\n",
    )
    return {
        **fill_folder("cmake", {**library.values(), "options": options}),
        **library.legal(),
        **{f"src/{path}": text for path, text in library.sources.items()},
        **{f"examples/{name}/main.c": text for name, text in examples.items()},
        "examples/golden_test/golden.h": library.golden,
    }


FORMAT = Format(
    name="cmake",
    layout=layout,
    specification="the CMake manual, 3.16",
    tool="CMake",
    proven=True,
    proof="built and run with CTest on the host and on Cortex-M in QEMU; installed and found by find_package",
    reserved=frozenset({
        "all", "clean", "depend", "edit_cache", "experimental", "help", "install", "list_install_components",
        "nightly", "package", "package_source", "preinstall", "rebuild_cache", "test",
    }),
)  # fmt: skip
