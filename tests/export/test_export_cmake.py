"""CMake libraries: built with CMake, their examples run by CTest, here and on Cortex-M in QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest
from cortex_m import BOARD, CortexM, done, make_board, need, run
from export_models import MODELS, export, spoil

STRICT = "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror -pedantic"


def build(library: Path, folder: Path, board: CortexM | None = None) -> None:
    """Configures and builds what is in a library's folder."""
    need("cmake")
    options = [STRICT]
    if board is not None:
        flags = f"-DFLAGS={' '.join(board.flags)}"
        options = [f"-DCMAKE_TOOLCHAIN_FILE={BOARD / 'toolchain.cmake'}", flags]
        options += [f"-DMACHINE={board.machine}", f"-DBOARD={board.folder}"]
    done("cmake", "-S", library, "-B", folder, *options)
    done("cmake", "--build", folder)


def ctest(folder: Path) -> str:
    """What CTest says."""
    return done("ctest", "--test-dir", folder, "--verbose")


def passes(model: str, folder: Path, target: str = "host") -> None:
    export(model, "cmake", folder / "library", target)
    board = None
    if target != "host":
        (folder / "board").mkdir()
        board = make_board(target, folder / "board")
    build(folder / "library", folder / "build", board)
    output = ctest(folder / "build")
    assert "PASS: 0 output bytes are wrong" in output
    assert "the largest element of output 0 is number" in output


def test_dsp_kernels_on_a_cortex_m4(tmp_path: Path) -> None:
    passes("int8", tmp_path, "mps2-an386")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "target"),
    [
        ("int8", "mps2-an385"),
        ("mixed", "mps2-an386"),
        ("mixed", "mps3-an547"),
        ("streaming", "mps3-an547"),
        *((model, "host") for model in MODELS),
    ],
)
def test_a_machine_passes_the_golden_test(tmp_path: Path, model: str, target: str) -> None:
    passes(model, tmp_path, target)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", "mps2-an386"])
def test_a_wrong_byte_fails_the_golden_test(tmp_path: Path, target: str) -> None:
    export("streaming", "cmake", tmp_path / "library", target)
    spoil(tmp_path / "library" / "examples" / "golden_test" / "golden.h")
    (tmp_path / "board").mkdir()
    board = None if target == "host" else make_board(target, tmp_path / "board")
    build(tmp_path / "library", tmp_path / "build", board)
    result = run("ctest", "--test-dir", tmp_path / "build", "--verbose")
    assert result.returncode != 0
    assert "FAIL: 1 output bytes are wrong" in result.stdout
    assert "the largest element" in result.stdout  # the other example still runs


@pytest.mark.slow
def test_two_libraries_that_are_installed_are_found(tmp_path: Path) -> None:
    """By find_package, in one program; neither sees the other's files."""
    for model in ("int8", "streaming"):
        export(model, "cmake", tmp_path / model)
        build(tmp_path / model, tmp_path / f"build_{model}")
        done("cmake", "--install", tmp_path / f"build_{model}", "--prefix", tmp_path / "installed")
    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\n"
        "project(user LANGUAGES C)\n"
        "find_package(adder 1.0 REQUIRED)\n"
        "find_package(digits_int8 1.0 REQUIRED)\n"
        "add_executable(user user.c)\n"
        "target_link_libraries(user PRIVATE adder::adder digits_int8::digits_int8)\n"
    )
    (user / "user.c").write_text(
        "#include <adder.h>\n#include <digits_int8.h>\n"
        "ADDER_DEFINE_ARENA(one);\nDIGITS_INT8_DEFINE_ARENA(two);\n"
        "int main(void) {\n"
        "    adder_reset(one);\n    adder_run(one);\n    digits_int8_reset(two);\n    digits_int8_run(two);\n"
        "    return 0;\n}\n"
    )
    done("cmake", "-S", user, "-B", tmp_path / "b", STRICT, f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    done("cmake", "--build", tmp_path / "b")
    done(tmp_path / "b" / "user")
