"""The neural engine as a core for Vivado's catalog: IP-XACT (IEEE 1685-2009), a wrapper in Verilog, a dialog.

Everything comes from the ports and parameters of hw/npu/npu.sv and from hw/npu/registers.toml.
"""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from smidgen.libraries.templates import fill_file
from smidgen.paths import data_folder

NAME, VERSION = "smidgen_npu", "1.0"
VLNV = ("smidgen", "user", NAME, VERSION)
SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

SYNTHESIS, SIMULATION, DIALOG = (
    "xilinx_anylanguagesynthesis",
    "xilinx_anylanguagebehavioralsimulation",
    "xilinx_xpgui",
)
CHOICES = {"LANES": (8, 16), "ACTIVATION_BYTES": (), "WEIGHT_BYTES": ()}
SIZES = tuple(1 << n for n in range(12, 18))  # of buffers
ACCESS = {"read": "read-only", "write": "write-only"}  # others: read-write
CLOCK, RESET, INTERRUPT = "clock", "reset", "irq"
CONTROL, MEMORY = "s_axi", "m_axi"

_PORT = re.compile(r"^\s*(input|output)\s+logic\s+(?:\[(\d+):0\]\s*)?(\w+)", re.MULTILINE)
_PARAMETER = re.compile(r"parameter int (\w+) =")


@dataclass(frozen=True)
class Port:
    name: str
    is_input: bool
    bits: int | None  # None for a wire that is no vector


def sources() -> dict[str, str]:
    """The files of the engine and of what it shares with Midge, by name, as they must be compiled."""
    hw = data_folder("hw")
    listed = [line for name in ("midge.f", "sources.f") for line in (hw / "npu" / name).read_text().split()]
    return {path.rpartition("/")[2]: (hw / path).read_text(encoding="utf-8") for path in listed}


def interface() -> tuple[list[str], list[Port]]:
    """The names of the parameters, and the ports, of module npu."""
    header = sources()["npu.sv"].partition(");")[0]
    ports = [
        Port(name, direction == "input", int(left) + 1 if left else None)
        for direction, left, name in _PORT.findall(header)
    ]
    return _PARAMETER.findall(header), ports


def files(parameters: Mapping[str, int]) -> dict[str, str]:
    """The folder of the core, with these parameters where its user chooses no others."""
    names, ports = interface()
    if set(names) != set(parameters):
        raise ValueError(f"the engine's parameters are {names}")
    hdl = {f"src/{name}": text for name, text in sources().items()}
    hdl[f"src/{NAME}.v"] = _wrapper(parameters, ports)
    dialog = f"xgui/{NAME}_v{VERSION.replace('.', '_')}.tcl"
    core = {
        "component.xml": _component(parameters, ports, list(hdl), dialog),
        dialog: "".join([fill_file("zynq/dialog.tcl", {"names": " ".join(names)}), *map(_updates, names)]),
    }
    return {**core, **hdl}


def _wrapper(parameters: Mapping[str, int], ports: Sequence[Port]) -> str:
    """Plain Verilog around the engine: the packager takes no SystemVerilog at the top."""

    def declaration(port: Port) -> str:
        vector = "" if port.bits is None else f"[{port.bits - 1}:0]"
        return f"{'input ' if port.is_input else 'output'} wire {vector:6} {port.name}"

    values = {
        "name": NAME,
        "parameters": ",\n".join(f"    parameter {name} = {value}" for name, value in parameters.items()),
        "ports": ",\n".join(f"    {declaration(port)}" for port in ports),
        "given": ",\n".join(f"      .{name}({name})" for name in parameters),
        "connected": ",\n".join(f"      .{port.name}({port.name})" for port in ports),
    }
    return fill_file("zynq/wrapper.v", values)


def _updates(name: str) -> str:
    """What the catalog calls when its user changes a parameter."""
    return fill_file("zynq/dialog_parameter.tcl", {"name": name})


# component.xml


def _tag(name: str, /, *content: Element | str, **attributes: str) -> Element:
    """An element of IP-XACT; attributes are IP-XACT's, too."""
    element = Element(f"{{{SPIRIT}}}{name}", {f"{{{SPIRIT}}}{key}": one for key, one in attributes.items()})
    for one in content:
        if isinstance(one, str):
            element.text = one
        else:
            element.append(one)
    return element


def _type(name: str, vendor: str, library: str, kind: str) -> Element:
    return _tag(name, vendor=vendor, library=library, name=kind, version="1.0")


def _bus(
    name: str, library: str, kind: str, mode: Element, ports: Mapping[str, str], about: Mapping[str, object]
) -> Element:
    """A bus interface. ports: logical to physical; about: parameters of the interface."""
    maps = [
        _tag("portMap", _tag("logicalPort", _tag("name", one)), _tag("physicalPort", _tag("name", physical)))
        for one, physical in ports.items()
    ]
    parameters = [
        _tag("parameter", _tag("name", key), _tag("value", str(value), id=f"BUSIFPARAM_VALUE.{name}.{key}"))
        for key, value in about.items()
    ]
    return _tag(
        "busInterface",
        _tag("name", name),
        _type("busType", "xilinx.com", library, kind),
        _type("abstractionType", "xilinx.com", library, f"{kind}_rtl"),
        mode,
        _tag("portMaps", *maps),
        _tag("parameters", *parameters),
    )


def _buses(ports: Sequence[Port]) -> Element:
    def of(bus: str) -> dict[str, str]:
        names = [port.name for port in ports if port.name.startswith(f"{bus}_")]
        return {name.removeprefix(f"{bus}_").upper(): name for name in names}

    memory = {
        "PROTOCOL": "AXI4", "DATA_WIDTH": 32, "ADDR_WIDTH": 32, "ID_WIDTH": 0, "MAX_BURST_LENGTH": 16,
        "SUPPORTS_NARROW_BURST": 0, "NUM_READ_OUTSTANDING": 4, "NUM_WRITE_OUTSTANDING": 4,
    }  # fmt: skip
    control = {"PROTOCOL": "AXI4LITE", "DATA_WIDTH": 32, "ADDR_WIDTH": 12, "ID_WIDTH": 0}
    clock = {"ASSOCIATED_BUSIF": f"{CONTROL}:{MEMORY}", "ASSOCIATED_RESET": RESET}
    signal = "signal"
    return _tag(
        "busInterfaces",
        _bus(
            CONTROL, "interface", "aximm",
            _tag("slave", _tag("memoryMapRef", memoryMapRef=CONTROL)), of(CONTROL), control,
        ),
        _bus(
            MEMORY, "interface", "aximm",
            _tag("master", _tag("addressSpaceRef", addressSpaceRef=MEMORY)), of(MEMORY), memory,
        ),
        _bus(CLOCK, signal, "clock", _tag("slave"), {"CLK": CLOCK}, clock),
        _bus(RESET, signal, "reset", _tag("slave"), {"RST": RESET}, {"POLARITY": "ACTIVE_HIGH"}),
        _bus(
            INTERRUPT, signal, "interrupt",
            _tag("master"), {"INTERRUPT": INTERRUPT}, {"SENSITIVITY": "LEVEL_HIGH"},
        ),
    )  # fmt: skip


def _registers() -> Element:
    table = tomllib.loads((data_folder("hw") / "npu" / "registers.toml").read_text(encoding="utf-8"))
    registers = [
        _tag(
            "register",
            _tag("name", name),
            _tag("description", meaning),
            _tag("addressOffset", f"0x{offset:02x}"),
            _tag("size", "32"),
            _tag("access", ACCESS.get(access, "read-write")),
        )
        for name, offset, access, meaning in table["registers"]
    ]
    block = _tag(
        "addressBlock",
        _tag("name", "reg0"),
        _tag("baseAddress", "0", format="long"),
        _tag("range", "4096", format="long"),
        _tag("width", "32", format="long"),
        _tag("usage", "register"),
        *registers,
    )
    return _tag("memoryMaps", _tag("memoryMap", _tag("name", CONTROL), block))


def _views() -> Element:
    def view(name: str, title: str, use: str, *more: Element) -> Element:
        files = _tag("fileSetRef", _tag("localName", f"{name}_view_fileset"))
        return _tag(
            "view",
            _tag("name", name),
            _tag("displayName", title),
            _tag("envIdentifier", f":vivado.xilinx.com:{use}"),
            *more,
            files,
        )

    language, top = _tag("language", "Verilog"), _tag("modelName", NAME)
    return _tag(
        "views",
        view(SYNTHESIS, "Synthesis", "synthesis", language, top),
        view(SIMULATION, "Simulation", "simulation", language, top),
        view(DIALOG, "UI Layout", "xgui.ui"),
    )


def _port(port: Port) -> Element:
    wire = _tag("wire", _tag("direction", "in" if port.is_input else "out"))
    if port.bits is not None:
        ends = _tag("left", str(port.bits - 1), format="long"), _tag("right", "0", format="long")
        wire.append(_tag("vector", *ends))
    views = [_tag("viewNameRef", name) for name in (SYNTHESIS, SIMULATION)]
    wire.append(_tag("wireTypeDefs", _tag("wireTypeDef", _tag("typeName", "wire"), *views)))
    return _tag("port", _tag("name", port.name), wire)


def _model_parameter(name: str, value: int) -> Element:
    parameter = _tag(
        "modelParameter",
        _tag("name", name),
        _tag("displayName", name),
        _tag("value", str(value), format="long", resolve="generated", id=f"MODELPARAM_VALUE.{name}"),
        dataType="integer",
    )
    parameter.set(f"{{{XSI}}}type", "spirit:nameValueTypeType")
    return parameter


def _file_set(view: str, paths: Sequence[str]) -> Element:
    def file(path: str) -> Element:
        kinds = {
            "sv": [_tag("fileType", "systemVerilogSource")],
            "v": [_tag("fileType", "verilogSource")],
            "tcl": [_tag("fileType", "tclSource"), _tag("userFileType", "XGUI_VERSION_2")],
        }
        return _tag("file", _tag("name", path), *kinds[path.rpartition(".")[2]])

    return _tag("fileSet", _tag("name", f"{view}_view_fileset"), *map(file, paths))


def _vendor_extensions() -> Element:
    def own(name: str, /, *content: Element | str, **attributes: str) -> Element:
        element = _tag(name, *content)
        element.tag = f"{{{XILINX}}}{name}"
        element.attrib = {f"{{{XILINX}}}{key}": value for key, value in attributes.items()}
        return element

    families = [own("family", name, lifeCycle="Beta") for name in ("zynq", "zynquplus")]
    return _tag(
        "vendorExtensions",
        own(
            "coreExtensions",
            own("supportedFamilies", *families),
            own("taxonomies", own("taxonomy", "/UserIP")),
            own("displayName", "Smidgen neural engine"),
            own("definitionSource", "package_project"),
            own("coreRevision", "1"),
        ),
    )


def _component(parameters: Mapping[str, int], ports: Sequence[Port], hdl: Sequence[str], dialog: str) -> str:
    vendor, library, name, version = VLNV
    choices = {key: CHOICES[key] or SIZES for key in parameters}
    chosen = [
        _tag(
            "parameter",
            _tag("name", key),
            _tag("displayName", key),
            _tag(
                "value",
                str(value),
                format="long",
                resolve="user",
                id=f"PARAM_VALUE.{key}",
                choiceRef=f"choice_list_{key.lower()}",
            ),
        )
        for key, value in parameters.items()
    ]
    component_name = _tag(
        "value", f"{name}_v{version.replace('.', '_')}", resolve="user", id="PARAM_VALUE.Component_Name"
    )
    root = _tag(
        "component",
        _tag("vendor", vendor),
        _tag("library", library),
        _tag("name", name),
        _tag("version", version),
        _buses(ports),
        _tag(
            "addressSpaces",
            _tag(
                "addressSpace",
                _tag("name", MEMORY),
                _tag("range", str(1 << 32), format="long"),
                _tag("width", "32", format="long"),
            ),
        ),
        _registers(),
        _tag(
            "model",
            _views(),
            _tag("ports", *map(_port, ports)),
            _tag("modelParameters", *(_model_parameter(*one) for one in parameters.items())),
        ),
        _tag(
            "choices",
            *(
                _tag(
                    "choice",
                    _tag("name", f"choice_list_{key.lower()}"),
                    *(_tag("enumeration", str(value)) for value in values),
                )
                for key, values in choices.items()
            ),
        ),
        _tag(
            "fileSets",
            _file_set(SYNTHESIS, hdl),
            _file_set(SIMULATION, hdl),
            _file_set(DIALOG, [dialog]),
        ),
        _tag("description", "Does lists of descriptors of neural-network layers, from memory to memory"),
        _tag(
            "parameters",
            *chosen,
            _tag("parameter", _tag("name", "Component_Name"), component_name),
        ),
        _vendor_extensions(),
    )
    for prefix, uri in (("spirit", SPIRIT), ("xilinx", XILINX), ("xsi", XSI)):
        ElementTree.register_namespace(prefix, uri)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
