"""The built wheel alone can build firmware and simulate it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; the dev extra has it")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_carries_targets_firmware_and_hardware_and_no_build_results(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("targets/midge-rv32imc.toml", "firmware/runtime/agent.c", "hw/sources.f"):
        assert f"smidgen/_data/{part}" in names
    assert "smidgen/report/page.css" in names
    assert not [name for name in names if "/build/" in name or "__pycache__" in name]
    assert wheel.stat().st_size < 2_000_000


def test_it_builds_firmware_and_simulates(wheel: Path, repository: Path, tmp_path: Path) -> None:
    """In a fresh environment that sees the other packages of this one, but not this source tree."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables |= {
        "PYTHONPATH": os.pathsep.join([str(packages), *others]),
        "SMIDGEN_CACHE": str(tmp_path / "cache"),
    }

    located = subprocess.run(
        [str(python), "-c", "import smidgen; print(smidgen.__file__)"],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(located.strip()).is_relative_to(environment)

    result = subprocess.run(
        [
            str(environment / "bin" / "smidgen"), "validate", "-t", "midge-rv32imc", "--limit", "1",
            "-m", str(repository / "examples" / "digits" / "digits_int8.tflite"), "--json", "out.json",
        ],
        cwd=tmp_path, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["bit_exact"] is True
    assert content["cycles"] > 0
