"""Build results are found again by content, and appear whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from smidgen.compile.cache import cached, content_key
from smidgen.errors import BuildError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_second_time_is_not_made_again() -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "result").write_text("done")

    for _ in range(2):
        assert (cached("kind", "key", make) / "result").read_text() == "done"
    assert len(made) == 1


def test_failure_leaves_nothing(own_cache: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError

    with pytest.raises(ValueError):
        cached("kind", "key", make)
    assert list((own_cache / "kind").iterdir()) == []


def test_two_at_once_both_get_a_whole_result(own_cache: Path) -> None:
    both_started = threading.Barrier(2)
    results: list[str] = []

    def make(folder: Path) -> None:
        both_started.wait(timeout=30)
        (folder / "result").write_text("done")

    def work() -> None:
        results.append((cached("kind", "key", make) / "result").read_text())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["done", "done"]
    assert [path.name for path in (own_cache / "kind").iterdir()] == ["key"]


def test_cache_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(BuildError, match="set SMIDGEN_CACHE"):
        cached("kind", "key", lambda folder: None)


def test_keys_tell_parts_apart() -> None:
    assert content_key(["ab", "c"]) != content_key(["a", "bc"])
    assert content_key([b"a"]) == content_key(["a"])
