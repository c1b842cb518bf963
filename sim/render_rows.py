"""The renderer's innermost loops: rows of pixels, 16 at a time, from where they look to what they show.

A pixel is the mean of one, two or four samples, one above the other. A sample is one fetch of four texels per
channel, and a bilinear blend in integers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .atlas import ENTRIES
from .simd import LANES, WORDS, Lanes, gather, load_floats, store_bytes

HORIZON: Final = 0.0004
"""Rays that drop by less than this see sky. The others meet the ground within 330 m; the original's far plane
is at 300 m."""

_EVEN_BYTES: Final = 0x00FF00FF
_LOW_HALF: Final = 0x0000FFFF
_TWO, _FIVE = 2, 5  # numbers of a mip level in `Levels.words` and `Levels.reals`


def _straight_row(  # type: ignore[no-untyped-def]
    typing, quads, words, reals, level, lines, count, power, ramp, skies, sky, channels, out, at
):
    """Draw a row that is a straight line on the ground.

    Args:
        typing: numba's.
        quads: `Atlas.quads`.
        words: (L, 2) uint32, as `Levels` has them.
        reals: (L, 5) float32, as `Levels` has them.
        level: int32, the row's mip level.
        lines: (4, 4) float32, x and y of each sample in column 0, and the steps to column 1 [1/256 texels].
        count: int32, samples of a pixel that see ground.
        power: int32, all of its samples, as a power of two.
        ramp: (W,) float32, columns in the whole frame.
        skies: (S, channels) uint32, levels of the sky times 65536.
        sky: int64, place of this sky's first channel in it.
        channels: int64, 1 or 3.
        out: (...) uint8; whole blocks of 16 pixels are written, that is W of them.
        at: int64, the first one's place in it.
    """
    arguments = (quads, words, reals, level, lines, count, power, ramp, skies, sky, channels, out, at)

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, sizes = _unpack(context, builder, signature, arguments)
        quads, words, reals, level, lines, count, power, ramp, skies, sky, channels, out, at = a
        first, strip = _loads(builder, words, level, _TWO)
        limit_x, limit_y, *_ = _loads(builder, reals, level, _FIVE)

        def draw(channels: int) -> None:
            shades = _loads(builder, skies, sky, 1, channels)
            with _blocks(builder, sizes[7]) as u:
                columns = load_floats(builder, ramp, u)

                def sample(k: Any, totals: list[Any]) -> None:
                    x, y, step_x, step_y = (Lanes(builder, number) for number in _loads(builder, lines, k, 4))
                    x, y = columns * step_x + x, columns * step_y + y
                    x, y = _inside(x, limit_x), _inside(y, limit_y)
                    _add(quads, first, strip, x, y, totals)

                means = _means(builder, shades, count, power, sample)
                store_bytes(builder, means, out, builder.add(at, builder.mul(u, u.type(channels))))

        _for_channels(builder, channels, draw)
        return context.get_dummy_value()

    return types.void(*arguments), write


def _general_row(  # type: ignore[no-untyped-def]
    typing, quads, words, reals, levels, powers, block, turn, rays, ray, ramp, skies, sky, channels, out, at
):
    """Draw a row in which each pixel has rays of its own; what is not named here is as for `straight_row`.

    Args:
        typing: numba's.
        quads: See there.
        words: See there.
        reals: See there.
        levels: (...) int32, mip level of each 16 pixels.
        powers: (...) int32, their samples, as a power of two; -1 where they see nothing but sky.
        block: int64, place of the first 16 in both.
        turn: (9,) float32, the matrix that makes world x, world y and drop of rays.
        rays: (..., samples, 3, W) float32.
        ray: int64, the first one's place in it.
        ramp: See there.
        skies: See there.
        sky: See there.
        channels: See there.
        out: See there.
        at: See there.
    """
    arguments = (
        quads,
        words,
        reals,
        levels,
        powers,
        block,
        turn,
        rays,
        ray,
        ramp,
        skies,
        sky,
        channels,
        out,
        at,
    )

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, sizes = _unpack(context, builder, signature, arguments)
        quads, words, reals, levels, powers, block, turn, rays, ray, _, skies, sky, channels, out, at = a
        width, zero = sizes[9], ray.type(0)
        matrix = _loads(builder, turn, zero, 9)

        def draw(channels: int) -> None:
            shades = _loads(builder, skies, sky, 1, channels)
            fours = [builder.mul(builder.lshr(s, s.type(16)), s.type(0x01010101)) for s in shades]
            with _blocks(builder, width) as u:
                here = builder.add(block, builder.udiv(u, u.type(LANES)))
                (level,), (power,) = _loads(builder, levels, here, 1), _loads(builder, powers, here, 1)
                one = power.type(1)
                count = builder.lshr(builder.shl(one, builder.add(power, one)), one)
                power = builder.select(builder.icmp_signed("<", power, power.type(0)), power.type(0), power)
                first, strip = _loads(builder, words, level, _TWO)
                limit_x, limit_y, x0, y0, height = _loads(builder, reals, level, _FIVE)
                before = builder.zext(
                    builder.sub(builder.shl(one, power), one), ray.type
                )  # samples of other powers

                def sample(k: Any, totals: list[Any]) -> None:
                    k = builder.mul(
                        builder.add(builder.zext(k, ray.type), before), builder.mul(width, width.type(3))
                    )
                    place = builder.add(builder.add(ray, u), k)
                    places = (builder.add(place, builder.mul(width, width.type(i))) for i in range(3))
                    a, b, c = (load_floats(builder, rays, place) for place in places)
                    x, y, drop = (a * matrix[i] + b * matrix[i + 1] + c * matrix[i + 2] for i in (0, 3, 6))
                    far = Lanes(builder, height) / drop.at_least(HORIZON)
                    x, y = far * x + x0, far * y + y0
                    x, y = _inside(x, limit_x), _inside(y, limit_y)
                    _add(quads, first, strip, x, y, totals, lambda t, c: t.unless(drop, HORIZON, fours[c]))

                means = _means(builder, shades, count, power, sample)
                store_bytes(builder, means, out, builder.add(at, builder.mul(u, u.type(channels))))

        _for_channels(builder, channels, draw)
        return context.get_dummy_value()

    return types.void(*arguments), write


straight_row: Any = intrinsic(_straight_row)
general_row: Any = intrinsic(_general_row)


def _inside(place: Lanes, limit: Any) -> Lanes:
    """A column or row as an integer that exists, whatever the pose; nan becomes 0."""
    return place.at_least(0).at_most(limit).whole()


def _add(
    quads: Any,
    first: Any,
    strip: Any,
    x: Lanes,
    y: Lanes,
    totals: list[Any],
    change: Callable[[Lanes, int], Lanes] = lambda texels, c: texels,
) -> None:
    """Add a sample * 65536 to the total of each channel; x and y are in 1/256 texels."""
    builder = x.builder
    places = (x >> 11) * strip + ((x >> 8) & 7) + (y >> 8) * (ENTRIES * len(totals))
    for c, total in enumerate(totals):
        texels = change(gather(builder, quads, builder.add(first, first.type(ENTRIES * c)), places), c)
        # Two interpolations in y at once, one in each half; their sums cannot carry over.
        low, high = texels & _EVEN_BYTES, (texels >> 8) & _EVEN_BYTES
        both = (low << 8) + (high - low) * (y & 255)
        here, there = both & _LOW_HALF, both >> 16
        blend = (here << 8) + (there - here) * (x & 255)
        builder.store((blend + Lanes(builder, builder.load(total))).value, total)


def _means(
    builder: Any, shades: list[Any], count: Any, power: Any, sample: Callable[[Any, list[Any]], None]
) -> list[Lanes]:
    """Rounded means of 2^power samples, of which all but `count` see sky."""
    missing = builder.sub(builder.shl(power.type(1), power), count)
    totals = [cgutils.alloca_once(builder, WORDS) for _ in shades]
    for shade, total in zip(shades, totals, strict=True):
        builder.store(Lanes(builder, builder.mul(missing, shade)).value, total)
    with cgutils.for_range(builder, count) as loop:
        sample(loop.index, totals)
    half = builder.shl(power.type(1), builder.add(power, power.type(15)))
    shift = builder.add(power, power.type(16))
    return [(Lanes(builder, builder.load(total)) + half) >> shift for total in totals]


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
