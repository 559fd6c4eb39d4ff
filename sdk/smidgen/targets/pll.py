"""The dividers of an ECP5's PLL."""

from __future__ import annotations

from dataclasses import dataclass

# Limits of the ECP5 family data sheet, in Hz.
_LEAST_COMPARED_HZ = 3_125_000
_OSCILLATOR_HZ = range(400_000_000, 800_000_001)
_MIDDLE_HZ = 600_000_000
_DIVIDERS = range(1, 129)


@dataclass(frozen=True)
class Dividers:
    """input and feedback give the ratio, feedback / input; output only keeps the oscillator in its range."""

    input: int
    feedback: int
    output: int


def dividers(input_hz: int, output_hz: int) -> Dividers | None:
    """The dividers that make one clock of the other exactly, None when there are none.

    Of several the ones that compare at the highest frequency, then with the oscillator in mid-range.
    """
    for divider in _DIVIDERS:
        if input_hz < divider * _LEAST_COMPARED_HZ:
            break
        feedback, rest = divmod(output_hz * divider, input_hz)
        if rest or feedback not in _DIVIDERS:
            continue
        outputs = [output for output in _DIVIDERS if output * output_hz in _OSCILLATOR_HZ]
        if outputs:
            return Dividers(
                divider, feedback, min(outputs, key=lambda one: abs(one * output_hz - _MIDDLE_HZ))
            )
    return None
