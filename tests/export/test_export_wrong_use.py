"""What cannot be exported ends in one message and leaves nothing; what is said of the formats is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from export_models import DIGITS, MODELS, export

from smidgen.errors import UsageError
from smidgen.libraries import FORMATS, export_library
from smidgen.report.ecosystems import ecosystem_matrix
from smidgen.targets import load_target

TESTED = {
    "cmake": "test_export_cmake",
    "arduino": "test_export_arduino",
    "platformio": "test_export_platformio",
}


def smidgen_export(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = "import sys; from smidgen.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, "export", "-m", str(DIGITS), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_an_unknown_format(tmp_path: Path) -> None:
    result = smidgen_export("--format", "arduno", "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "did you mean arduino?" in result.stderr
    assert all(name in result.stderr for name in FORMATS)


def test_a_target_that_cannot_hold_the_model(tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.toml"
    text = (Path(__file__).resolve().parents[2] / "targets" / "midge-rv32imc.toml").read_text()
    tiny.write_text(re.sub(r"(kind = \"flash\"\norigin = \S+\nlength = )\S+", r"\g<1>0x2000", text))
    assert tiny.read_text() != text
    result = smidgen_export("--format", "cmake", "-t", tiny, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "too big for" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def problems(folder: Path, **options: str) -> list[str]:
    """What is wrong with an export of the streaming model, as its user reads it."""
    kind = FORMATS[options.pop("kind", "cmake")]
    with pytest.raises(UsageError) as refusal:
        export_library(MODELS["streaming"](), load_target("host"), kind, folder, **options)
    return [f"{one.where}: {one.what} {one.fix}" for one in refusal.value.problems]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    folder, name, version = problems(tmp_path, name="My Model", version="1.0")
    assert "is not an empty folder" in folder
    assert "'My Model' is not a name for C" in name and "--name my_model" in name
    assert "'1.0' is not a version X.Y.Z" in version
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("cmake", "test", "means something else"),
        ("cmake", "string", "<string.h>"),
        ("arduino", "wire", "means something else"),
        ("arduino", "time", "<time.h>"),
        ("esp-idf", "main", "means something else"),
        ("zephyr", "app", "means something else"),
        ("platformio", "a" * 51, "51 characters, the ecosystem allows 50"),
        ("cmsis-pack", "a" * 64, "64 characters"),
    ],
)
def test_names_that_an_ecosystem_does_not_allow(tmp_path: Path, kind: str, name: str, why: str) -> None:
    (problem,) = problems(tmp_path / "out", kind=kind, name=name)
    assert why in problem and "--name my_model" in problem
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "is not an empty folder" in problems(tmp_path / "out")[0]
    assert "cannot write the library" in problems(tmp_path / "out" / "below")[0]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_library_says_what_is_in_it_and_needs_nothing_else(tmp_path: Path, kind: str) -> None:
    name = export("streaming", kind, tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"README.md", "LICENSE", f"src/{name}.h", f"src/{name}/model.c", f"src/{name}/model.h"} <= files
    assert {path.split("/")[1] for path in files if path.startswith("examples/")} >= {
        "minimal",
        "golden_test",
    }
    texts = {path: (tmp_path / path).read_text() for path in files}
    assert not [path for path, text in texts.items() if "@{" in path + text]
    kernels = [path for path in files if "/kernels/" in path]
    contents = [texts[path] for path in kernels]
    assert len(contents) == len(set(contents))  # no kernel twice
    (runs,) = re.findall(r"_GOLDEN_RUNS (\d+)", "".join(texts[path] for path in files if "golden.h" in path))
    assert int(runs) > 1  # the state matters


def test_the_readme_says_what_is_proven(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- export formats -->\n(.*)<!-- end of export formats -->", readme, re.DOTALL)
    generated = ecosystem_matrix().markdown()
    assert table.strip() == generated.strip(), f"put this into the README:\n{generated}"


def test_only_what_a_test_builds_is_called_proven() -> None:
    assert {name for name, kind in FORMATS.items() if kind.proven} == set(TESTED)
    folder = Path(__file__).parent
    for name, module in TESTED.items():
        text = (folder / f"{module}.py").read_text()
        assert f'"{name}"' in text and "PASS: 0 output bytes are wrong" in text, module
