"""A model whose agent runs as an ordinary program, and fake boards made of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hil_boards import PLATFORM

from smidgen.compile.build import build
from smidgen.compile.runtime import runtime
from smidgen.importers import load_model
from smidgen.paths import data_folder
from smidgen.targets import load_target
from tflite_builder import ModelBuilder

HOST = data_folder("firmware") / "boards" / "host"
AGENT_SOURCES = [HOST / "board.c", *(path for path in runtime().sources if path.name != "mem.c")]


@pytest.fixture(scope="session")
def compilers() -> None:
    """Of the platform that the fake boards pass for."""
    for program in (load_target(PLATFORM).toolchain.compiler, "gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")


@pytest.fixture(autouse=True)
def own_locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SMIDGEN_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .tflite file with two fully connected layers."""
    random = np.random.default_rng(1)
    builder = ModelBuilder("small")
    x = builder.input((1, 16), scale=0.1, zero_point=0)
    for outputs, inputs, scale in ((8, 16, 0.1), (4, 8, 1.0)):
        weights = random.integers(-100, 100, (outputs, inputs)).astype(np.int8)
        w = builder.constant(weights, scale=0.01)
        b = builder.constant(np.zeros(outputs, np.int32), scale=scale * 0.01)
        y = builder.tensor((1, outputs), scale=1.0, zero_point=0)
        builder.operator("FULLY_CONNECTED", [x, w, b], [y])
        x = y
    builder.output(x)
    return builder.save(tmp_path_factory.mktemp("model") / "small.tflite")


@pytest.fixture(scope="session")
def agent(compilers: None, small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent that serves the model on its standard input and output."""
    folder = tmp_path_factory.mktemp("agent")
    build(load_model(small_model), load_target(PLATFORM), folder)
    for source in (*AGENT_SOURCES, folder / "model_agent.c"):
        _gcc(folder, "-c", str(source), "-o", str(folder / f"{source.stem}.o"))
    return _program(folder)


@pytest.fixture(scope="session")
def wrong_agent(agent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with one weight changed after the build."""
    folder = tmp_path_factory.mktemp("wrong") / "agent"
    shutil.copytree(agent.parent, folder)
    header = folder / "model_weights.h"
    text = header.read_text()
    begin = text.index("{\n", text.index("_weights[")) + 1
    end = text.index(",", begin)
    header.write_text(f"{text[:begin]} {127 if int(text[begin:end]) < 0 else -127}{text[end:]}")
    return _program(folder)


def _program(folder: Path) -> Path:
    """Compiles the model and links it with the objects that are there."""
    objects = [str(path) for path in folder.glob("*.o")]
    _gcc(folder, str(folder / "model.c"), *objects, "-o", str(folder / "agent"))
    return folder / "agent"


def _gcc(folder: Path, *arguments: str) -> None:
    include = [folder, HOST, HOST.parent, *runtime().include]
    command = ["gcc", "-std=c99", "-DSMIDGEN_HOOKS", *(f"-I{path}" for path in include)]
    subprocess.run([*command, *arguments], check=True)
