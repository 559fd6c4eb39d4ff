"""What the README says is true: its commands work, its C compiles, its support matrix is the code's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from smidgen.report.support import support_matrix

SMIDGEN = [sys.executable, "-c", "import sys; from smidgen.cli import main; sys.exit(main())"]


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def matrix_in(readme: str) -> str:
    """The text between the two comments."""
    return re.search(r"<!-- support matrix -->\n(.*)<!-- end of support matrix -->", readme, re.DOTALL)[1]


def test_the_support_matrix_is_the_generated_one(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    generated = support_matrix().markdown()
    assert matrix_in(readme).strip() == generated.strip(), f"put this into the README:\n{generated}"


def test_the_make_targets_exist(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"`?make ([a-z-]+)", (repository / "README.md").read_text(encoding="utf-8"))
    assert {"demo", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_files_that_are_linked_exist(repository: Path) -> None:
    for readme in (repository / "README.md", repository / "examples" / "digits" / "README.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", readme.read_text(encoding="utf-8")):
            assert (readme.parent / link).exists(), f"{readme.name} links to {link}"


def user_folder(repository: Path, folder: Path) -> Path:
    """A folder in which the README's paths are there and nothing of the repository is written."""
    (folder / "examples").symlink_to(repository / "examples")
    return folder


@pytest.mark.parametrize("index", [0, 1])
def test_the_python_examples_work(repository: Path, tmp_path: Path, index: int) -> None:
    code = blocks(repository, "python")[index]
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=user_folder(repository, tmp_path),
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("True ")


def test_the_c_example_compiles_and_runs(repository: Path, tmp_path: Path) -> None:
    folder = user_folder(repository, tmp_path)
    model = "examples/digits/digits_int8.tflite"
    subprocess.run([*SMIDGEN, "build", "-m", model, "-t", "host", "-o", "bundle"], cwd=folder, check=True)
    (code,) = blocks(repository, "c")
    (folder / "main.c").write_text(code)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Ibundle"]
    subprocess.run(["gcc", *flags, "main.c", "bundle/model.c", "-o", "main"], cwd=folder, check=True)
    output = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert output.strip() in "0123456789"


def readme_commands() -> list[list[str]]:
    """The commands of each block, which belong together."""
    repository = Path(__file__).resolve().parents[2]
    commands = [
        [line for line in block.splitlines() if line.startswith(".venv/bin/smidgen ")]
        for block in blocks(repository, "sh")
    ]
    return [block for block in commands if block]


def test_the_readme_shows_every_verb_of_the_way_to_a_board() -> None:
    shown = {command.split()[1] for block in readme_commands() for command in block}
    assert shown >= {"analyze", "compress", "build", "flash", "run", "validate", "profile", "export"}


@pytest.mark.slow
@pytest.mark.parametrize("commands", readme_commands(), ids=lambda commands: commands[0].split()[1])
def test_the_commands_work(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[str]
) -> None:
    monkeypatch.setenv("SMIDGEN_STATE", str(tmp_path / "state"))
    folder = user_folder(repository, tmp_path)
    for command in commands:
        result = subprocess.run(
            [*SMIDGEN, *shlex.split(command)[1:]], capture_output=True, text=True, cwd=folder, check=False
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"
