"""Instructions chosen by the processor compute the same, whichever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features
from numba import njit, types
from numba.extending import intrinsic

from hairpin.sim.simd import HALF, LANES, Processor, blend, fetch, load_words, store_words


def sampler(processor: Processor) -> Any:
    """A compiled function that fetches and blends 16 samples: entries, places, across, down, out."""

    @intrinsic
    def sample(typing, entries, places, across, down, out):  # type: ignore[no-untyped-def]
        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            parts = [
                context.make_array(k)(context, builder, v).data for k, v in zip(kinds, arguments, strict=True)
            ]
            words = builder.bitcast(parts[0], HALF.as_pointer())
            zero = context.get_constant(types.int64, 0)
            texels = fetch(builder, processor, words, parts[1])
            weights = (load_words(builder, part, zero) for part in parts[2:4])
            store_words(builder, blend(builder, processor, texels, *weights), parts[4], zero)
            return context.get_dummy_value()

        return types.void(entries, places, across, down, out), write

    @njit
    def run(entries, places, across, down, out):  # type: ignore[no-untyped-def]
        sample(entries, places, across, down, out)

    return run


@pytest.mark.parametrize("gathers", [False, True])
@pytest.mark.parametrize("products", [0, 16, 32])
def test_all_ways_give_what_the_formula_says(gathers: bool, products: int) -> None:
    needed = {0: None, 16: "avx2", 32: "avx512bw"}[products]
    if needed and not get_host_cpu_features().get(needed):
        pytest.skip(f"this processor has no {needed}")
    rng = np.random.default_rng(0)
    run = sampler(Processor(gathers, products))
    for _ in range(50):
        texels = rng.integers(-128, 128, (1000, 2), dtype=np.int8)
        texels[rng.random(1000) < 0.2] = rng.choice([-128, 127])  # extremes, where halves could overflow
        entries = texels.view(np.uint16).ravel()
        places = rng.integers(0, 999, LANES).astype(np.int32)
        fx, fy = rng.choice([0, 1, 128, 255], (2, LANES))
        out = np.empty(LANES, np.int32)
        across, down = (256 - fx + (fx << 16)).astype(np.int32), (fy * 0x10001).astype(np.int32)
        run(entries, places, across, down, out)
        here, there = texels[places].astype(int), texels[places + 1].astype(int)
        left, right = (side[:, 0] * (256 - fy) + side[:, 1] * fy for side in (here, there))
        np.testing.assert_array_equal(out, left * (256 - fx) + right * fx)
