"""Zephyr modules, ESP-IDF components and CMSIS packs: checked against what their specifications say.

Their build systems cannot be had from a package registry. What stands in for them here knows only what the
manuals say, so that these formats stay "unproven"; but a file that is not where its manifest says, a manifest
with a wrong key, a source that is missing or an option that is never declared fails here.
"""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from cortex_m import BOARD, done, make_board, need, run
from export_models import MODELS, export, spoil

STAND_INS = Path(__file__).parent / "stand_ins"
PASS = "PASS: 0 output bytes are wrong\n"

# Keys of zephyr/module.yml: Zephyr's manual, Modules, Module yaml file description.
MODULE_KEYS = {"name", "build", "tests", "samples", "boards", "blobs", "package-managers", "runners"}
BUILD_KEYS = {"cmake", "kconfig", "cmake-ext", "kconfig-ext", "depends", "settings", "sysbuild-cmake"}


def programs(library: Path, folder: Path, *options: str, **environment: str) -> dict[str, str]:
    """What the two examples write when CMake has built them with a stand-in."""
    need("cmake")
    written = {}
    for example in sorted((library / "examples").iterdir()):
        where = folder / example.name
        done(
            "cmake",
            "-S",
            example,
            "-B",
            where,
            "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror",
            *options,
            **environment,
        )
        done("cmake", "--build", where, **environment)
        written[example.name] = run(where / "app").stdout
    return written


def zephyr_problems(library: Path) -> list[str]:
    """What is wrong in a module's description."""
    module = yaml.safe_load((library / "zephyr" / "module.yml").read_text())
    build = module["build"]
    problems = [f"unknown key {key}" for key in [*(set(module) - MODULE_KEYS), *(set(build) - BUILD_KEYS)]]
    files = [f"{build['cmake']}/CMakeLists.txt", build["kconfig"]]
    problems += [f"{file} is missing" for file in files if not (library / file).is_file()]
    declared = set(re.findall(r"^config (\w+)$", (library / build["kconfig"]).read_text(), re.MULTILINE))
    declared |= {"STDOUT_CONSOLE"}  # Zephyr's own
    for samples in module["samples"]:
        for sample in (library / samples).iterdir():
            tests = yaml.safe_load((sample / "sample.yaml").read_text())["tests"]
            problems += [
                f"{name} has no regex" for name, test in tests.items() if not test["harness_config"]["regex"]
            ]
            used = set(re.findall(r"^CONFIG_(\w+)=", (sample / "prj.conf").read_text(), re.MULTILINE))
            problems += [f"{sample.name} sets {option}, which nobody declares" for option in used - declared]
    return problems


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_zephyr(tmp_path: Path, model: str) -> None:
    name = export(model, "zephyr", tmp_path / "library")
    assert zephyr_problems(tmp_path / "library") == []
    written = programs(tmp_path / "library", tmp_path, f"-DZephyr_DIR={STAND_INS / 'zephyr'}")
    assert written["golden_test"] == PASS
    tests = yaml.safe_load((tmp_path / "library" / "examples" / "minimal" / "sample.yaml").read_text())[
        "tests"
    ]
    (pattern,) = tests[f"sample.smidgen.{name}.minimal"]["harness_config"]["regex"]
    assert re.search(pattern, written["minimal"])


def test_what_is_wrong_in_a_zephyr_module_is_found(tmp_path: Path) -> None:
    export("streaming", "zephyr", tmp_path / "library")
    assert zephyr_problems(tmp_path / "library") == []
    (tmp_path / "library" / "examples" / "minimal" / "prj.conf").write_text("CONFIG_OTHER=y\n")
    module = tmp_path / "library" / "zephyr" / "module.yml"
    module.write_text(
        module.read_text().replace("kconfig: zephyr/Kconfig", "kconfig: zephyr/Kconfig\n  make: no")
    )
    (tmp_path / "library" / "zephyr" / "CMakeLists.txt").unlink()
    found = zephyr_problems(tmp_path / "library")
    assert found == [
        "unknown key make",
        "zephyr/CMakeLists.txt is missing",
        "minimal sets OTHER, which nobody declares",
    ]


@pytest.mark.slow
def test_the_option_of_a_zephyr_module_is_one_for_kconfig(tmp_path: Path) -> None:
    kconfiglib = pytest.importorskip("kconfiglib")
    name = export("streaming", "zephyr", tmp_path / "library")
    options = kconfiglib.Kconfig(str(tmp_path / "library" / "zephyr" / "Kconfig"))
    assert [option.name for option in options.unique_defined_syms] == [f"SMIDGEN_{name.upper()}"]
    assert options.syms[f"SMIDGEN_{name.upper()}"].str_value == "n"  # nobody gets it who does not ask


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_esp_idf(tmp_path: Path, model: str) -> None:
    export(model, "esp-idf", tmp_path / "library")
    written = programs(tmp_path / "library", tmp_path, IDF_PATH=str(STAND_INS / "idf"))
    assert written["golden_test"] == PASS
    assert "the largest element of output 0 is number" in written["minimal"]


@pytest.mark.slow
def test_the_esp_idf_component_can_be_published(tmp_path: Path) -> None:
    """Espressif's component manager packs it, and refuses a manifest that breaks its rules."""
    compote = Path(sys.executable).with_name("compote")
    if not compote.exists():
        pytest.skip("not installed: idf-component-manager")
    name = export("int8", "esp-idf", tmp_path / "library")
    pack = [compote, "component", "pack", "--name", name]
    done(*pack, "--dest-dir", tmp_path / "packed", folder=tmp_path / "library")
    (archive,) = (tmp_path / "packed").glob("*.tgz")
    with tarfile.open(archive) as files:
        names = {one.removeprefix("./") for one in files.getnames()}
    assert {"idf_component.yml", "CMakeLists.txt", f"src/{name}/model.c"} <= names
    manifest = tmp_path / "library" / "idf_component.yml"
    manifest.write_text(manifest.read_text().replace('version: "1', 'version: "one'))
    assert run(*pack, "--dest-dir", tmp_path / "again", folder=tmp_path / "library").returncode != 0


# Open-CMSIS-Pack, PACK.xsd 1.7: elements of a package, attributes of a component, kinds of files.
NEEDED = ("vendor", "name", "description", "url", "releases")
KNOWN = {*NEEDED, "license", "keywords", "components"}
NAME = re.compile(r"[-_A-Za-z0-9]+")
PACK_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
COMPONENT_VERSION = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?(-[0-9A-Za-z.-]+)?")
CATEGORIES = {"doc", "header", "include", "source", "sourceC", "sourceAsm", "library", "other", "utility"}


def pack_problems(folder: Path) -> list[str]:
    """What is wrong in a pack's description."""
    (path,) = folder.glob("*.pdsc")
    package = ElementTree.parse(path).getroot()
    of = {child.tag: child for child in package}
    problems = [f"<{tag}> is missing" for tag in NEEDED if tag not in of]
    problems += [f"<{child.tag}> is not known" for child in package if child.tag not in KNOWN]
    problems += [
        f"<{tag}> is not a name" for tag in ("vendor", "name") if not NAME.fullmatch(of[tag].text or "")
    ]
    if path.name != f"{of['vendor'].text}.{of['name'].text}.pdsc":
        problems.append("the file is not called VENDOR.NAME.pdsc")
    for release in package.iter("release"):
        if not PACK_VERSION.fullmatch(release.attrib["version"]):
            problems.append(f"'{release.attrib['version']}' is not the version of a release")
    for component in package.iter("component"):
        problems += [f"component without {one}" for one in ("Cclass", "Cgroup") if not component.get(one)]
        if not COMPONENT_VERSION.fullmatch(component.get("Cversion", "")):
            problems.append(f"'{component.get('Cversion')}' is not the version of a component")
    for file in package.iter("file"):
        if file.attrib["category"] not in CATEGORIES or file.get("attr", "template") != "template":
            problems.append(f"{file.attrib['name']} is of no known kind")
        if not (folder / file.attrib["name"]).is_file():
            problems.append(f"{file.attrib['name']} is missing")
    if not (folder / (of["license"].text or "")).is_file():
        problems.append("the licence is missing")
    return problems


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_cmsis_pack(tmp_path: Path, model: str) -> None:
    """What the description says is built: its sources with its headers' folders, and its template."""
    export(model, "cmsis-pack", tmp_path / "library", "mps2-an386")
    assert pack_problems(tmp_path / "library") == []
    (tmp_path / "board").mkdir()
    board = make_board("mps2-an386", tmp_path / "board")
    (description,) = (tmp_path / "library").glob("*.pdsc")
    files = [file.attrib for file in ElementTree.parse(description).getroot().iter("file")]
    project = tmp_path / "project"  # where tools copy the templates that their user selects
    project.mkdir()
    for file in files:
        if file.get("select") == "Golden test":
            shutil.copy(tmp_path / "library" / file["name"], project)
    own = [file for file in files if "attr" not in file]
    sources = [tmp_path / "library" / file["name"] for file in own if file["category"] == "sourceC"]
    folders = {
        str((tmp_path / "library" / file["name"]).parent) for file in own if file["category"] == "header"
    }
    include = [f"-I{folder}" for folder in [*folders, project]]
    options = [*board.flags, "-O2", "-Wall", "-Wextra", "-Werror", "-isystem", BOARD / "include", *include]
    link = [
        "-nostdlib",
        "-Wl,-uboard_start",
        f"-L{board.folder}",
        f"-T{BOARD / 'board.ld'}",
        "-lboard",
        "-lgcc",
    ]
    elf = tmp_path / "golden_test.elf"
    done("arm-none-eabi-gcc", *options, *sources, project / "main.c", *link, "-o", elf)
    result = board.run(elf)
    assert (result.stdout + result.stderr, result.returncode) == (PASS, 0)


@pytest.mark.slow
def test_a_wrong_byte_fails_the_golden_test(tmp_path: Path) -> None:
    """Where the program's exit code is not the answer."""
    export("streaming", "zephyr", tmp_path / "library")
    spoil(tmp_path / "library" / "examples" / "golden_test" / "src" / "golden.h")
    written = programs(tmp_path / "library", tmp_path, f"-DZephyr_DIR={STAND_INS / 'zephyr'}")
    assert written["golden_test"] == "FAIL: 1 output bytes are wrong\n"


def test_what_is_wrong_in_a_pack_is_found(tmp_path: Path) -> None:
    name = export("streaming", "cmsis-pack", tmp_path / "library")
    assert pack_problems(tmp_path / "library") == []
    (path,) = (tmp_path / "library").glob("*.pdsc")
    text = (
        path.read_text().replace('Cversion="1.0.0"', 'Cversion="1.0.0+b"').replace("<url></url>", "<link/>")
    )
    path.write_text(text.replace(f"<name>{name}</name>", "<name>another one</name>"))
    (tmp_path / "library" / "src" / name / "model.c").unlink()
    assert pack_problems(tmp_path / "library") == [
        "<url> is missing",
        "<link> is not known",
        "<name> is not a name",
        "the file is not called VENDOR.NAME.pdsc",
        "'1.0.0+b' is not the version of a component",
        f"src/{name}/model.c is missing",
    ]
