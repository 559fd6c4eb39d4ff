"""PlatformIO libraries: found and built by PlatformIO Core, here and for a Cortex-M in QEMU.

Its own packages come from a registry. What it needs of them is brought along: SCons from PyPI, and a platform
that is a compiler on the search path. Finding and building the library is PlatformIO's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
from cortex_m import BOARD, CortexM, done, make_board, run
from export_models import export, spoil

OWN = Path(__file__).parent / "platformio"
PIO = [sys.executable, "-m", "platformio"]


def core(folder: Path) -> dict[str, str]:
    """The environment of a PlatformIO that has all it needs in a folder."""
    for module in ("platformio", "SCons"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"not installed: {module}")
    from platformio.dependencies import get_core_dependencies

    version = get_core_dependencies()["tool-scons"].lstrip("~^=")
    shutil.copytree(OWN / "platform", folder / "platforms" / "native")
    tool = folder / "packages" / "tool-scons"
    shutil.copytree(OWN / "tool", tool)
    package = {"name": "tool-scons", "version": version}
    origin = {"type": "tool", **package, "spec": {"owner": "platformio", "name": "tool-scons"}}
    (tool / "package.json").write_text(json.dumps(package))
    (tool / ".piopm").write_text(json.dumps(origin))
    settings = {"PLATFORMIO_CORE_DIR": str(folder), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    return {
        **settings,
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "999",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def on_the_host(example: Path, environment: dict[str, str]) -> str:
    """What the example's native environment does."""
    result = run(*PIO, "run", "-d", example, "-t", "exec", **environment)
    return result.stdout + result.stderr


def on_a_board(example: Path, board: CortexM, environment: dict[str, str]) -> str:
    """What the example writes on a board that its user has added."""
    flags = [*board.flags, "-Wall", "-Wextra", "-Werror", f"-isystem {BOARD / 'include'}"]
    link = [
        "-nostdlib",
        "-Wl,--gc-sections",
        "-Wl,-uboard_start",
        f"-L{board.folder}",
        f"-T{BOARD / 'board.ld'}",
    ]
    with (example / "platformio.ini").open("a") as settings:
        settings.write(
            "\n[env:board]\nplatform = native\ncustom_prefix = arm-none-eabi-\n"
            f"build_flags = {' '.join(flags)} -lboard -lgcc\n"
            f"custom_link_flags = {' '.join(link)} {' '.join(board.target.toolchain.flags)}\n"
        )
    done(*PIO, "run", "-d", example, "-e", "board", **environment)
    result = board.run(example / ".pio" / "build" / "board" / "program")
    return result.stdout + result.stderr


@pytest.mark.slow
def test_the_host_passes_the_golden_test(tmp_path: Path) -> None:
    export("int8", "platformio", tmp_path / "library")
    environment = core(tmp_path / "core")
    examples = tmp_path / "library" / "examples"
    assert "PASS: 0 output bytes are wrong" in on_the_host(examples / "golden_test", environment)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mixed", "streaming"])
def test_a_cortex_m4_passes_the_golden_test(tmp_path: Path, model: str) -> None:
    export(model, "platformio", tmp_path / "library", "mps2-an386")
    environment = core(tmp_path / "core")
    (tmp_path / "board").mkdir()
    board = make_board("mps2-an386", tmp_path / "board")
    examples = tmp_path / "library" / "examples"
    golden_test = on_a_board(examples / "golden_test", board, environment)
    assert golden_test == "PASS: 0 output bytes are wrong\n"
    minimal = on_the_host(examples / "minimal", environment)
    assert "the largest element of output 0 is number" in minimal


@pytest.mark.slow
def test_a_wrong_byte_fails_the_golden_test(tmp_path: Path) -> None:
    export("streaming", "platformio", tmp_path / "library")
    environment = core(tmp_path / "core")
    example = tmp_path / "library" / "examples" / "golden_test"
    spoil(example / "src" / "golden.h")
    assert "FAIL: 1 output bytes are wrong" in on_the_host(example, environment)


@pytest.mark.slow
def test_the_manifest_is_one_that_can_be_published(tmp_path: Path) -> None:
    name = export("int8", "platformio", tmp_path / "library")
    environment = core(tmp_path / "core")
    package = tmp_path / "package.tar.gz"
    done(*PIO, "pkg", "pack", tmp_path / "library", "-o", package, **environment)
    with tarfile.open(package) as archive:
        assert {"library.json", f"src/{name}.h", f"src/{name}/model.c"} <= set(archive.getnames())
    manifest = tmp_path / "library" / "library.json"
    manifest.write_text(manifest.read_text().replace('"version": "1', '"version": "one'))
    assert run(*PIO, "pkg", "pack", tmp_path / "library", "-o", package, **environment).returncode != 0
