"""The renderer's innermost loops: rows of pixels, 16 at a time, from where they look to what they show.

A pixel is the mean of one, two or four samples, one above the other. A sample is one fetch of four texels per
channel, and a bilinear blend in integers. Two short loops a row are faster than one: first where all samples
of a row lie, then what is there. So the fetches of several blocks are under way at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .atlas import ENTRIES
from .simd import (
    HALF,
    LANES,
    WORDS,
    Lanes,
    blend,
    fetch,
    load_floats,
    load_words,
    processor,
    store_bytes,
    store_words,
)

HORIZON: Final = 0.0004
"""Rays that drop by less than this see sky. The others meet the ground within 330 m; the original's far plane
is at 300 m."""
SAMPLES: Final = 4
"""The most samples of a pixel."""

_THREE, _FIVE = 3, 5  # numbers of a mip level in `Levels.words` and `Levels.reals`


def _place_line(  # type: ignore[no-untyped-def]
    typing, x, y, step_x, step_y, limit_x, limit_y, inside, strip, channels, ramp, samples, k
):
    """Find one sample of each pixel of a row that is a straight line on the ground.

    Args:
        typing: numba's.
        x: float32, place of the sample in column 0 [1/256 texels].
        y: The same.
        step_x: float32, from column to column.
        step_y: The same.
        limit_x: float32, the largest place there is.
        limit_y: The same.
        inside: bool, whether no column's sample lies beyond them.
        strip: uint32, as `Levels` has it.
        channels: int64, 1 or 3.
        ramp: (W,) float32, columns in the whole frame.
        samples: (3, SAMPLES, W) int32, written to: place from the level's first entry on, and the weights
            across and down, as `simd.blend` takes them.
        k: int64, which of the samples.
    """
    arguments = (x, y, step_x, step_y, limit_x, limit_y, inside, strip, channels, ramp, samples, k)

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, sizes = _unpack(context, builder, signature, arguments)
        x, y, step_x, step_y, limit_x, limit_y, inside, strip, channels, ramp, samples, k = values
        x_0, y_0, step_x, step_y, strip = (Lanes(builder, one) for one in (x, y, step_x, step_y, strip))
        width = sizes[9]
        begin, row = builder.mul(k, width), _entries(builder, channels)

        def place(clamped: bool) -> None:
            with _blocks(builder, width) as u:
                columns = load_floats(builder, ramp, u)
                x, y = columns * step_x + x_0, columns * step_y + y_0
                if clamped:
                    x, y = _within(x, limit_x), _within(y, limit_y)
                x, y = x.whole(), y.whole()
                _store_sample(x, y, _address(x, y, strip, row), samples, builder.add(begin, u), width)

        with builder.if_else(inside) as (all_inside, not_all):
            with all_inside:
                place(clamped=False)
            with not_all:
                place(clamped=True)
        return context.get_dummy_value()

    return types.void(*arguments), write


def _place_rays(  # type: ignore[no-untyped-def]
    typing, words, reals, levels, powers, block, turn, rays, ray, channels, ramp, samples
):
    """Find the samples of a row in which each pixel has rays of its own; see `place_line` for the others.

    Args:
        typing: numba's.
        words: (L, 3) uint32, as `Levels` has them.
        reals: (L, 5) float32, as `Levels` has them.
        levels: (...) int32, mip level of each 16 pixels.
        powers: (...) int32, their samples, as a power of two; -1 where they see nothing but sky.
        block: int64, place of the first 16 in both.
        turn: (9,) float32, the matrix that makes world x, world y and drop of rays.
        rays: (..., samples, 3, W) float32.
        ray: int64, the first one's place in it.
        channels: See there.
        ramp: See there.
        samples: See there; a sample of the sky has the place of the level's sky.
    """
    arguments = (words, reals, levels, powers, block, turn, rays, ray, channels, ramp, samples)

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, sizes = _unpack(context, builder, signature, arguments)
        words, reals, levels, powers, block, turn, rays, ray, channels, _, samples = values
        width, row = sizes[9], _entries(builder, channels)
        matrix = _loads(builder, turn, ray.type(0), 9)
        with _blocks(builder, width) as u:
            here = builder.add(block, builder.udiv(u, u.type(LANES)))
            (level,), (power,) = _loads(builder, levels, here, 1), _loads(builder, powers, here, 1)
            one = power.type(1)
            count = builder.lshr(builder.shl(one, builder.add(power, one)), one)
            power = builder.select(builder.icmp_signed("<", power, power.type(0)), power.type(0), power)
            _, strip, sky = _loads(builder, words, level, _THREE)
            limit_x, limit_y, x_0, y_0, height = _loads(builder, reals, level, _FIVE)
            strip = Lanes(builder, strip)
            before = builder.sub(builder.shl(one, power), one)  # samples of other powers
            with cgutils.for_range(builder, count) as loop:
                k = builder.zext(builder.add(loop.index, before), ray.type)
                first = builder.add(builder.add(ray, u), builder.mul(k, builder.mul(width, width.type(3))))
                places = (builder.add(first, builder.mul(width, width.type(i))) for i in range(3))
                a, b, c = (load_floats(builder, rays, place) for place in places)
                x, y, drop = (a * matrix[i] + b * matrix[i + 1] + c * matrix[i + 2] for i in (0, 3, 6))
                far = Lanes(builder, height) / drop.at_least(HORIZON)
                x = _within(far * x + x_0, limit_x).whole()
                y = _within(far * y + y_0, limit_y).whole()
                address = _address(x, y, strip, row).unless(drop, HORIZON, sky)
                to = builder.add(u, builder.mul(builder.zext(loop.index, u.type), width))
                _store_sample(x, y, address, samples, to, width)
        return context.get_dummy_value()

    return types.void(*arguments), write


def _draw_row(  # type: ignore[no-untyped-def]
    typing, quads, samples, begin, width, first, count, power, skies, sky, channels, out, at
):
    """Draw pixels whose samples are known.

    Args:
        typing: numba's.
        quads: `Atlas.quads`.
        samples: See `place_line`.
        begin: int64, column of the first of the pixels in it.
        width: int64, how many pixels; whole blocks of 16 are written.
        first: uint32, first entry of their mip level.
        count: int32, samples of a pixel that see ground.
        power: int32, all of its samples, as a power of two.
        skies: (S, channels) uint32, levels of the sky times 65536.
        sky: int64, place of this sky's first channel in it.
        channels: int64, 1 or 3.
        out: (...) uint8.
        at: int64, the first pixel's place in it.
    """
    arguments = (quads, samples, begin, width, first, count, power, skies, sky, channels, out, at)

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, sizes = _unpack(context, builder, signature, arguments)
        quads, samples, begin, width, first, count, power, skies, sky, channels, out, at = values
        machine, columns = processor(context), builder.udiv(sizes[1], at.type(3 * SAMPLES))
        words = builder.gep(builder.bitcast(quads, HALF.as_pointer()), [builder.zext(first, at.type)])
        missing = builder.sub(builder.shl(power.type(1), power), count)
        half = builder.shl(power.type(1), builder.add(power, power.type(15)))
        bias = builder.shl(count, count.type(23))  # texels are stored less 128
        shift = builder.add(power, power.type(16))

        def draw(channels: int) -> None:
            shades = _loads(builder, skies, sky, 1, channels)
            sums = (builder.add(builder.add(half, bias), builder.mul(missing, shade)) for shade in shades)
            starts = [Lanes(builder, one) for one in sums]
            totals = [cgutils.alloca_once(builder, WORDS) for _ in shades]
            with _blocks(builder, width) as u:
                for start, total in zip(starts, totals, strict=True):
                    builder.store(start.value, total)
                with cgutils.for_range(builder, count) as loop:
                    sample = builder.mul(builder.zext(loop.index, u.type), columns)
                    sample = builder.add(sample, builder.add(begin, u))
                    places = builder.gep(samples, [sample])
                    across, down = (
                        load_words(builder, places, builder.mul(columns, u.type(i * SAMPLES))) for i in (1, 2)
                    )
                    for c, total in enumerate(totals):
                        texels = fetch(builder, machine, builder.gep(words, [u.type(ENTRIES * c)]), places)
                        value = blend(builder, machine, texels, across, down)
                        builder.store((value + Lanes(builder, builder.load(total))).value, total)
                means = [Lanes(builder, builder.load(total)) >> shift for total in totals]
                store_bytes(builder, means, out, builder.add(at, builder.mul(u, u.type(channels))))

        _for_channels(builder, channels, draw)
        return context.get_dummy_value()

    return types.void(*arguments), write


place_line: Any = intrinsic(_place_line)
place_rays: Any = intrinsic(_place_rays)
draw_row: Any = intrinsic(_draw_row)


def _within(place: Lanes, limit: Any) -> Lanes:
    """A place that exists, whatever the pose; nan becomes 0."""
    return place.at_least(0).at_most(limit)


def _entries(builder: Any, channels: Any) -> Lanes:
    """Entries of a row of a strip."""
    return Lanes(builder, builder.trunc(builder.mul(channels, channels.type(ENTRIES)), WORDS.element))


def _address(x: Lanes, y: Lanes, strip: Lanes, row: Lanes) -> Lanes:
    """Entry of the texel at x and y [1/256 texels], counted from the level's first."""
    return (x >> 8) + (x >> 11) * strip + (y >> 8) * row


def _store_sample(x: Lanes, y: Lanes, address: Lanes, samples: Any, to: Any, width: Any) -> None:
    builder = x.builder
    weights = (x & 255) * 0xFFFF + 256, (y & 255) * 0x10001
    for i, part in enumerate((address, *weights)):
        store_words(builder, part, samples, builder.add(to, builder.mul(width, width.type(i * SAMPLES))))


@contextlib.contextmanager
def _blocks(builder: Any, width: Any) -> Iterator[Any]:
    """A loop over the first pixels of each 16."""
    with cgutils.for_range_slice(builder, width.type(0), width, width.type(LANES), inc=True) as (u, _):
        yield u


def _for_channels(builder: Any, channels: Any, draw: Callable[[int], None]) -> None:
    """Write the code for gray and for RGB, of which one runs."""
    with builder.if_else(builder.icmp_signed("==", channels, channels.type(1))) as (gray, rgb):
        with gray:
            draw(1)
        with rgb:
            draw(3)


def _loads(builder: Any, array: Any, row: Any, columns: int, count: int | None = None) -> list[Any]:
    """The numbers of a row of an array, or as many as asked for from its beginning."""
    start = builder.mul(row, row.type(columns))
    places = (builder.add(start, row.type(i)) for i in range(columns if count is None else count))
    return [builder.load(builder.gep(array, [place])) for place in places]


def _unpack(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[list[Any], list[Any]]:
    """Arguments as LLVM's values, arrays as pointers to their first element; sizes of the arrays."""
    values, sizes = [], []
    for kind, value in zip(signature.args, arguments, strict=True):
        is_array = isinstance(kind, types.Array)
        array = context.make_array(kind)(context, builder, value) if is_array else None
        values.append(array.data if array is not None else value)
        sizes.append(array.nitems if array is not None else None)
    return values, sizes
