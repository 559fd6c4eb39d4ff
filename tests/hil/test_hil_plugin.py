"""The pytest plugin on fake boards: programs on pseudo-terminals, tested by a pytest inside of pytest."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hil_boards import entry, fake

import smidgen.testing.model
import smidgen.testing.parametrizing  # noqa: F401  (pytester drops what only the inner run has imported)

needs_compilers = pytest.mark.usefixtures("compilers")

TESTS = """
    import pytest

    SOON = {"query": 1, "transfer": 1, "run": 1}

    @pytest.mark.smidgen(fixtures="good")
    def test_good(model_under_test, golden):
        for case in golden:
            (output,) = model_under_test.run(*case.inputs)
            assert (output == case.outputs[0]).all()

    @pytest.mark.smidgen(fixtures="good")
    def test_text_beside_the_protocol(model_under_test, dut):
        dut.write(b"name%")
        dut.expect("m-name-.*m-ready")
        model_under_test.validate()

    @pytest.mark.smidgen(fixtures="hangs", seconds={"boot": 1})
    def test_hangs(model_under_test):
        model_under_test.validate()

    @pytest.mark.smidgen(fixtures="hangs_later", seconds=SOON)
    def test_hangs_later(model_under_test):
        model_under_test.validate()

    @pytest.mark.smidgen(fixtures="garbage", seconds={"boot": 1})
    def test_garbage(model_under_test):
        model_under_test.validate()

    @pytest.mark.smidgen(fixtures="vanishes")
    def test_vanishes(model_under_test):
        model_under_test.validate()

    @pytest.mark.smidgen(fixtures="wrong")
    def test_wrong(model_under_test):
        assert model_under_test.validate().passed

    @pytest.mark.smidgen(fixtures="good", budget={"weights": 1})
    def test_too_big(model_under_test):
        model_under_test.validate()
"""


def write_map(pytester: pytest.Pytester, *entries: str) -> None:
    pytester.makefile(".yaml", map="".join(entries))
    (pytester.path / "map.yaml").write_text("".join(entries))


def section(output: str, test: str) -> str:
    """What pytest printed about a failed test."""
    begin = output.index(f"{test}[", output.index("= "))
    rest = output[begin:]
    end = rest.find("\n____")
    return rest if end < 0 else rest[:end]


@needs_compilers
def test_each_board_fails_only_its_own_test(
    pytester: pytest.Pytester, small_model: Path, agent: Path, wrong_agent: Path
) -> None:
    """Hanging at boot and in the middle, garbage, vanishing, wrong answers: five failures, each with its log;
    the good board's tests pass, but for the one that is over budget."""
    write_map(
        pytester,
        entry("good", str(agent)),
        entry("hangs", fake(agent, "hang")),
        entry("hangs_later", fake(agent, "hang", 400)),
        entry("garbage", fake(agent, "garbage")),
        entry("vanishes", fake(agent, "vanish", 400)),
        entry("wrong", str(wrong_agent)),
    )
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess(
        "--smidgen-map=map.yaml", f"--smidgen-model={small_model}", "--smidgen-json=out.json",
        "--junit-xml=out.xml", "-p", "no:cacheprovider",
    )  # fmt: skip
    result.assert_outcomes(passed=2, failed=4, errors=2)
    text = result.stdout.str()
    for test, words in {
        "test_hangs": "boot: no answer within 1 s",
        "test_hangs_later": "no answer within 1 s",
        "test_garbage": "boot: no answer within 1 s",
        "test_vanishes": "the supply voltage is gone",
        "test_wrong": "first diverging layer",
    }.items():
        part = section(text, test)
        assert words in part, part
        assert "serial line of board" in part and " > \\x06\\x09" in part, part
        assert f"python -m pytest 'test_each_board_fails_only_its_own_test.py::{test}" in part, part
    assert "\\x00\\x01\\x02\\x03" in section(text, "test_garbage")
    assert "layer 0 (FULLY_CONNECTED" in section(text, "test_wrong")
    assert "at most 1 allowed" in section(text, "test_too_big")
    _check_files(pytester)


def _check_files(pytester: pytest.Pytester) -> None:
    tests = json.loads((pytester.path / "out.json").read_text())["tests"]
    outcomes = {test["board"]: test["outcome"] for test in tests if "too_big" not in test["test"]}
    assert outcomes == {
        "good-1": "passed", "hangs-1": "error", "hangs_later-1": "failed", "garbage-1": "error",
        "vanishes-1": "failed", "wrong-1": "failed",
    }  # fmt: skip
    (too_big,) = (test for test in tests if "too_big" in test["test"])
    assert too_big["weights_budget"] == 1 < too_big["weights"]
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "out.xml").iter("testcase")}
    good = {
        one.get("name"): one.get("value") for one in cases["test_good[midge-rv32imc-small]"].iter("property")
    }
    assert (good["board"], good["model"], good["weights"]) == ("good-1", "small", str(too_big["weights"]))


TEXT_BOARD = """
import sys
print("booted", flush=True)
for line in sys.stdin:
    print(f"you said {line.strip()}, m-ready", flush=True)
"""

TEXT_TESTS = r"""
    import pexpect
    import pytest

    def test_words(dut):
        dut.expect_exact("booted")
        dut.write("name%")
        assert dut.expect(r"you said (\w+)%").group(1) == b"name"
        assert dut.expect_exact("m-ready") == b"m-ready"
        dut.write(b"a\nb\n")
        dut.expect(["said a", "said b, m-ready"], expect_all=True)
        with pytest.raises(pexpect.TIMEOUT, match="'more' did not come"):
            dut.expect("more", timeout=0.05)
        dut.write("last")
        with pytest.raises(ValueError):
            dut.expect("m-ready", not_matching="said last")

    @pytest.mark.smidgen(seconds={"test": 1})
    def test_that_never_ends(dut):
        while True:
            pass

    def test_that_waits_in_vain(dut):
        dut.expect("booted")
        dut.expect("never", timeout=0.05)
"""


def test_a_serial_line_is_read_as_text(pytester: pytest.Pytester) -> None:
    """pytest-embedded's methods; a test that never ends is ended, with the log."""
    script = pytester.path / "text_board.py"
    script.write_text(TEXT_BOARD)
    write_map(pytester, entry("text", f"{sys.executable} text_board.py"))
    pytester.makepyfile(TEXT_TESTS)
    result = pytester.runpytest_inprocess("--smidgen-map=map.yaml")
    result.assert_outcomes(passed=1, failed=2)
    assert "the test: not done within 1 s" in section(result.stdout.str(), "test_that_never_ends")
    waited = section(result.stdout.str(), "test_that_waits_in_vain")
    assert "pexpect.exceptions.TIMEOUT" in waited and "< booted" in waited, waited


LONELY_BOARD = """
import os, sys
os.mkdir("in-use")
print("nobody else is here", flush=True)
sys.stdin.readline()
os.rmdir("in-use")
print("bye", flush=True)
sys.stdin.read()
"""

LONELY_TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(3))
    def test_alone(dut, number):
        dut.expect_exact("nobody else is here")
        dut.write("leave")
        dut.expect_exact("bye")
"""


@pytest.mark.slow
def test_processes_take_turns_at_one_board(pytester: pytest.Pytester) -> None:
    """A board that ends when it is started while it runs: three processes use it, one after the other."""
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    (pytester.path / "lonely_board.py").write_text(LONELY_BOARD)
    write_map(pytester, entry("lonely", f"{sys.executable} lonely_board.py"))
    pytester.makepyfile(LONELY_TESTS)
    result = pytester.runpytest_subprocess("-n", "3", "--dist", "each", "--smidgen-map=map.yaml")
    result.assert_outcomes(passed=9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "write smidgen_map = FILE into the ini file"),
        (["--smidgen-map=none.yaml"], "none.yaml: cannot read the hardware map"),
        (["--smidgen-map=map.yaml", "--smidgen-board=other"], "--smidgen-board other: is no connected board"),
        (["--smidgen-map=map.yaml", "--smidgen-seconds=boot=soon"], "'boot=soon' is not understood"),
        (["--smidgen-map=map.yaml", "--smidgen-seconds=start=1"], "'start' is no stage"),
        (["--smidgen-map=map.yaml"], "write smidgen_models = FILE into the ini file"),
        (["--smidgen-map=map.yaml", "--smidgen-model=no.tflite"], "there is no file"),
        (["--smidgen-map=map.yaml", "--smidgen-budgets=b.toml"], "did you mean cycles?"),
    ],
)
def test_what_is_set_wrongly_is_one_error(
    pytester: pytest.Pytester, arguments: list[str], words: str
) -> None:
    write_map(pytester, entry("text", "true"))
    (pytester.path / "b.toml").write_text("[small]\ncycle = 5\n")
    pytester.makepyfile("def test_one(model_under_test): pass")
    result = pytester.runpytest_inprocess(*arguments)
    assert result.ret != 0
    assert words in result.stdout.str(), result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_runs_without_boards_are_left_alone(pytester: pytest.Pytester) -> None:
    """Fixtures of the same names that somebody else defines are theirs, and nothing of ours is loaded."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(params=[1, 2])
        def board(request):
            return request.param
        """
    )
    pytester.makepyfile(
        """
        import sys

        def test_board(board):
            assert board in (1, 2)

        def test_modules():
            ours = ("smidgen", "numpy", "yaml", "serial", "pexpect")
            loaded = {name for name in sys.modules if name.split(".")[0] in ours}
            assert loaded <= {
                "smidgen", "smidgen.testing", "smidgen.testing.ini", "smidgen.testing.plugin",
                "smidgen.testing.results", "smidgen.testing.stash",
            }
        """
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers"]
    result = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert "3 passed" in result.stdout, result.stdout
    assert "models on boards" not in result.stdout
