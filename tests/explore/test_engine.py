"""Every engine gives the same front of a real model; an interrupted command goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from real_search import LABELS, SAMPLES, real_setup

from smidgen.errors import BuildError, UsageError
from smidgen.explore.costs import measure_costs
from smidgen.explore.engine import open_engine
from smidgen.explore.evaluate import evaluate
from smidgen.explore.search import Found, search
from smidgen.explore.store import Store
from smidgen.exporters.tflite import save_tflite

EVALUATIONS = 12


def found(setup, folder: Path, name: str, workers: int) -> Found:
    costs = measure_costs(setup.base, None)
    with (
        Store(folder / f"{name}{workers}.sqlite") as store,
        open_engine(name, workers, evaluate, setup) as engine,
    ):
        return search(setup, costs, {"accuracy": -2.0}, engine, store, EVALUATIONS)


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="use local or ray"), open_engine("cloud", 1, evaluate, None):
        pass
    with pytest.raises(UsageError, match="give 1 or more"), open_engine("local", 0, evaluate, None):
        pass


def test_worker_that_is_killed_is_named() -> None:
    with (
        open_engine("local", 2, ended, None) as engine,
        pytest.raises(
            BuildError, match=r"ended from outside(.|\n)*fewer --workers: what was finished is kept"
        ),
    ):
        list(engine([1, 2]))


def ended(setup: object, job: int) -> None:
    """As the kernel does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_two_processes_give_the_front_of_one(tmp_path: Path) -> None:
    setup = real_setup()
    one, two = (found(setup, tmp_path, "local", workers) for workers in (1, 2))
    assert one.points == two.points and one.front == two.front


@pytest.mark.slow
def test_two_workers_of_ray_give_the_front_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra 'ray'")
    setup = real_setup()
    one, two = found(setup, tmp_path, "local", 1), found(setup, tmp_path, "ray", 2)
    assert one.points == two.points and one.front == two.front


@pytest.mark.slow
def test_command_that_is_killed_three_times_writes_the_same_bytes(tmp_path: Path) -> None:
    save_tflite(real_setup().teacher, tmp_path / "float.tflite")
    np.savez(tmp_path / "data.npz", x=np.concatenate([sample[0] for sample in SAMPLES]), y=LABELS)

    def command(name: str) -> tuple[list[str], dict[str, str]]:
        arguments = ["compress", "-m", "float.tflite", "--data", "data.npz", "-o", f"{name}.tflite"]
        arguments += ["--budget", "weights=0.6x", "--workers", "2", "--json", f"{name}.json"]
        environment = {**os.environ, "SMIDGEN_CACHE": str(tmp_path / name)}
        return [
            sys.executable,
            "-c",
            "import sys; from smidgen.cli import main; sys.exit(main())",
            *arguments,
        ], environment

    line, environment = command("undisturbed")
    assert subprocess.run(line, cwd=tmp_path, env=environment, check=False).returncode == 0
    line, environment = command("killed")
    done = 0
    for _ in range(3):
        process = subprocess.Popen(line, cwd=tmp_path, env=environment, start_new_session=True)
        while process.poll() is None and _finished(tmp_path / "killed") < done + 4:
            time.sleep(0.05)
        assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert _finished(tmp_path / "killed") > done
        done = _finished(tmp_path / "killed")
    assert subprocess.run(line, cwd=tmp_path, env=environment, check=False).returncode == 0
    one, two = ((tmp_path / f"{name}.tflite").read_bytes() for name in ("undisturbed", "killed"))
    assert one == two
    one, two = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("undisturbed", "killed"))
    assert one["search"] == two["search"] and len(one["search"]["points"]) > 12


def _finished(cache: Path) -> int:
    """How many evaluations a killed search has stored."""

    for path in (cache / "search").glob("*.sqlite"):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                return int(database.execute("SELECT COUNT(*) FROM results").fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # it is being made
    return 0
