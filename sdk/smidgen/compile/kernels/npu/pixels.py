"""Pixels that are copied within the activation buffer: a maximum over windows of one position."""

from __future__ import annotations

from smidgen.npu.descriptor import Engine, MaxPool


def copy_pixels(
    engine: Engine,
    source: int,
    size: tuple[int, int, int],
    to: int,
    pixel_bytes: int,
    row_bytes: int,
) -> MaxPool:
    """An image of so many (rows, columns, channels) from address `source` to `to`, where from a pixel to the
    next there are `pixel_bytes`, from a row to the next `row_bytes`."""
    rows, columns, channels = size
    return MaxPool(
        input_address=source,
        input_row_bytes=columns * channels,
        input_rows=rows,
        row_step=columns * channels,
        column_step=channels,
        kernel_rows=1,
        kernel_width=1,
        stride_y=1,
        stride_x=1,
        output_width=columns,
        output_rows=rows,
        output_address=to,
        output_pixel_bytes=pixel_bytes,
        output_row_bytes=row_bytes,
        blocks=-(-channels // engine.lanes),
        input_zero_point=0,
        channels=channels,
    )
