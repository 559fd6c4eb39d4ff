"""Compilers: what is missing or fails is said with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smidgen.errors import BuildError
from smidgen.toolchains import MESSAGE_LINES, compile_object, find_compiler


def test_compiler_tells_its_version() -> None:
    assert "gcc" in find_compiler("gcc").version
    assert find_compiler("riscv64-unknown-elf-gcc").tool("objdump").name == "riscv64-unknown-elf-objdump"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("arm-none-eabi-gcc", "sudo apt install gcc-arm-none-eabi"),
        ("unheard-of-cc", "name another one as toolchain.compiler in the target file"),
    ],
)
def test_missing_compiler(name: str, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=fix):
        find_compiler(name)


def test_program_that_is_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "broken-cc"
    path.write_text("#!/bin/sh\necho it hurts >&2\nexit 3\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(BuildError, match="it hurts"):
        find_compiler("broken-cc")


def test_messages_of_the_compiler_are_shown_and_cut(tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("".join(f"int x{i} = undeclared{i};\n" for i in range(30)))
    with pytest.raises(BuildError) as error:
        compile_object(find_compiler("gcc"), source, tmp_path / "wrong.o", [])
    text = str(error.value)
    assert "compiling wrong.c failed" in text
    assert "undeclared0" in text
    assert "more lines" in text
    assert len(text.splitlines()) < MESSAGE_LINES + 5
