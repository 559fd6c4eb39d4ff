"""model.c: kernels with their shapes, and one call for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smidgen.compile.emit.template import comment_text, fill
from smidgen.compile.schedule import KernelCall, Schedule

LINE_LENGTH = 100
SHARED, SPECIALISED = "kernel_shared.c", "kernel_specialised.c"

INLINE_CYCLES = 100  # of a call so short that the jumps to it and back count

ShapeKey = tuple[str, str, tuple[tuple[str, int], ...]]


@dataclass(frozen=True)
class Wrapper:
    """A function of model.c that runs one kernel. shape is None when it is built in; built_in: the places of
    constants that are, too."""

    name: str
    shape: str | None
    built_in: frozenset[int] = frozenset()


def model_c(
    heading: dict[str, object], prefix: str, schedule: Schedule, blob_names: Mapping[str, str], optimize: str
) -> str:
    """The text of model.c; `blob_names` maps the schedule's constants to C identifiers."""
    wrappers, kernels = _kernels(schedule, prefix, blob_names, optimize)
    includes = sorted({f"kernels/{call.kernel_set}/{call.family}.h" for call in schedule.calls})
    return fill(
        "model.c",
        prefix=prefix,
        includes="".join(f'#include "{path}"\n' for path in includes),
        kernels=kernels,
        layers=_layers(schedule, wrappers, blob_names) or "    (void)arena;\n",
        copy=fill("copy.c") if schedule.states else "",
        reset=_reset(schedule, blob_names),
        detail=f"{len(schedule.calls)} layers, {sum(call.macs for call in schedule.calls):,} MAC",
        **heading,
    )


def _key(call: KernelCall) -> ShapeKey:
    return call.symbol, call.shape_type, tuple(call.shape.items())


def _kernels(
    schedule: Schedule, prefix: str, blob_names: Mapping[str, str], optimize: str
) -> tuple[dict[ShapeKey, Wrapper], str]:
    """A wrapper for every kernel and shape, and their text.

    A shape for which that pays gets a function of its own, with the shape built in; the kernel's other
    shapes share one. With only one shape in the model, building it in always pays. Constants that all users
    of the function have in common are built in, too, where a cost model counts what that saves.
    """
    users: dict[ShapeKey, list[int]] = {}
    first: dict[ShapeKey, KernelCall] = {}
    shapes_of: dict[str, list[ShapeKey]] = {}
    for index, call in enumerate(schedule.calls):
        key = _key(call)
        if key not in users:
            shapes_of.setdefault(call.symbol, []).append(key)
            first[key] = call
        users.setdefault(key, []).append(index)

    wrappers: dict[ShapeKey, Wrapper] = {}
    texts: list[str] = []
    for symbol, keys in shapes_of.items():
        base = f"{prefix}_{symbol.removeprefix('smidgen_')}"
        own = [key for key in keys if len(keys) == 1 or (optimize == "speed" and first[key].specialise)]
        sharing = [key for key in keys if key not in own]
        if sharing:
            layers = [index for key in sharing for index in users[key]]
            texts.append(_wrapper(SHARED, base, first[sharing[0]], layers))
        for number, key in enumerate(keys):
            name = base if len(keys) == 1 else f"{base}_{number}"
            if key in own:
                calls = [schedule.calls[index] for index in users[key]]
                built_in = {} if first[key].cost is None else _common(calls, blob_names)
                texts.append(_wrapper(SPECIALISED, name, first[key], users[key], built_in))
                wrappers[key] = Wrapper(name, None, frozenset(built_in))
            else:
                texts.append(_shape(f"{name}_shape", first[key], users[key]))
                wrappers[key] = Wrapper(base, f"{name}_shape")
    return wrappers, "".join(texts)


def _common(calls: list[KernelCall], blob_names: Mapping[str, str]) -> dict[int, str]:
    """The places of constants that are the same in all calls, and their identifiers."""
    places = enumerate(zip(*(call.blobs for call in calls), strict=True))
    return {place: blob_names[blobs[0]] for place, blobs in places if len(set(blobs)) == 1}


def _argument_names(call: KernelCall) -> list[tuple[str, bool]]:
    """A name for each pointer that the kernel takes after its shape, and whether it is only read."""
    blobs = [name.rsplit(".", 1)[-1] for name in call.blobs]
    if len(set(blobs)) < len(blobs) or not all(name.isidentifier() and name.isascii() for name in blobs):
        blobs = [f"c{i}" for i in range(len(blobs))]
    arguments = [(name, True) for name in (*_numbered("x", len(call.reads)), *blobs)]
    arguments += [(name, False) for name in _numbered("y", len(call.writes))]
    return [*arguments, ("scratch", False)] if call.scratch else arguments


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}{i}" for i in range(count)]


def _wrapped(items: list[str], column: int) -> str:
    """A comma-separated list that is broken before it leaves the page, continued at `column`."""
    lines, line = [], ""
    for item in items:
        longer = f"{line}, {item}" if line else item
        if line and column + len(longer) > LINE_LENGTH - len(");"):
            lines.append(line)
            line = item
        else:
            line = longer
    return (",\n" + " " * column).join([*lines, line])


def _wrapper(
    template: str, name: str, call: KernelCall, layers: list[int], built_in: Mapping[int, str] | None = None
) -> str:
    """built_in: the places of constants that are not passed, and their identifiers."""
    arguments, first = _argument_names(call), len(call.reads)
    fixed = {first + place: (blob, True) for place, blob in (built_in or {}).items()}
    passed = [argument for place, argument in enumerate(arguments) if place not in fixed]
    arguments = [fixed.get(place, argument) for place, argument in enumerate(arguments)]
    is_short = call.cost is not None and call.cost.cycles < INLINE_CYCLES
    is_inline = is_short and len(layers) == 1 and template == SPECIALISED
    linkage = "SMIDGEN_INLINE void" if is_inline else "static NOINLINE void"
    parameters = [f"{'const ' if constant else ''}void *{argument}" for argument, constant in passed]
    shape = "&shape"
    if template == SHARED:
        parameters.insert(0, f"const {call.shape_type} *shape")
        shape = "shape"
    return fill(
        template,
        layers=_layer_list(layers),
        name=name,
        linkage=linkage,
        parameters=_wrapped(parameters, len(f"{linkage} {name}(")),
        arguments=_wrapped([shape, *(name for name, _ in arguments)], len(f"    {call.symbol}(")),
        shape_type=call.shape_type,
        symbol=call.symbol,
        **({"fields": _fields(call, 8)} if template == SPECIALISED else {}),
    )


def _shape(name: str, call: KernelCall, layers: list[int]) -> str:
    return fill(
        "shape.c", layers=_layer_list(layers), shape_type=call.shape_type, name=name, fields=_fields(call, 4)
    )


def _layer_list(layers: list[int]) -> str:
    return f"Layer{'s' if len(layers) > 1 else ''} {', '.join(map(str, layers))}."


def _fields(call: KernelCall, indent: int) -> str:
    return "".join(f"{' ' * indent}.{field} = {_value(value)},\n" for field, value in call.shape.items())


def _value(value: int) -> str:
    if value == -(2**31):
        return "-2147483647 - 1"
    return f"{value}u" if value > 2**31 - 1 else str(value)


def _layers(schedule: Schedule, wrappers: Mapping[ShapeKey, Wrapper], blob_names: Mapping[str, str]) -> str:
    def pointer(name: str) -> str:
        if name in schedule.buffers:
            return f"arena + {schedule.buffers[name].offset}"
        return blob_names[name]

    texts: list[str] = []
    for index, call in enumerate(schedule.calls):
        wrapper = wrappers[_key(call)]
        blobs = [blob for place, blob in enumerate(call.blobs) if place not in wrapper.built_in]
        arguments = [pointer(name) for name in (*call.reads, *blobs, *call.writes)]
        if call.scratch:
            arguments.append(pointer(call.scratch))
        if wrapper.shape is not None:
            arguments.insert(0, f"&{wrapper.shape}")
        tell = [
            f"    {'ALSO' if number else 'AFTER'}({index}, {pointer(name)}, {schedule.buffers[name].bytes});"
            for number, name in enumerate(call.writes)
        ]
        texts.append(
            fill(
                "layer.c",
                index=index,
                id=comment_text(call.id),
                type_name=call.type_name,
                detail=comment_text(call.detail),
                macs=f", {call.macs:,} MAC" if call.macs else "",
                call=f"{wrapper.name}({_wrapped(arguments, len(f'    {wrapper.name}('))})",
                after="\n".join(tell),
            )
        )
    for state in schedule.states:
        if state.buffer != state.next_buffer:
            to, origin = schedule.buffers[state.buffer], schedule.buffers[state.next_buffer]
            texts.append(
                f"    /* the next value of state {comment_text(state.buffer)} */\n"
                f"    copy_bytes(arena + {to.offset}, arena + {origin.offset}, {to.bytes});\n"
            )
    return "".join(texts)


def _reset(schedule: Schedule, blob_names: Mapping[str, str]) -> str:
    if not schedule.states:
        return "    (void)arena;\n"
    lines = []
    for state in schedule.states:
        buffer = schedule.buffers[state.buffer]
        source = f"(const uint8_t *){blob_names[state.initial]}"
        lines.append(f"    copy_bytes((uint8_t *)arena + {buffer.offset}, {source}, {buffer.bytes});\n")
    return "".join(lines)
