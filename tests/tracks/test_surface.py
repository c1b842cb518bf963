from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, unary_union

from hairpin.tracks import Track, TrackError, generate, load_track
from hairpin.tracks.style import STYLES, Style, legibility, luma, random_style
from hairpin.tracks.surface import rasterise

# One material white at a time: what the picture's mean says is an area.
DARK = Style(road=(0, 0, 0), field=(0, 0, 0), border=(0, 0, 0), centre=(0, 0, 0))
WHITE = (255, 255, 255)


def road_of(track: Track):
    """The road as a shapely polygon."""
    if not track.closed:
        return Polygon(np.concatenate((track.inner, track.outer[::-1])))
    inner, outer = Polygon(track.inner), Polygon(track.outer)
    return outer.difference(inner) if outer.area > inner.area else inner.difference(outer)


def area_of(surface) -> float:
    """Area [m^2] of what is white."""
    return float(surface.levels[0][..., 0].sum()) / 255 * surface.texel**2


def colour_at(surface, xy) -> tuple[int, ...]:
    column, row = np.floor((np.asarray(xy) - surface.origin) / surface.texel).astype(int)
    return tuple(surface.levels[0][row, column].tolist())


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_area_of_the_road_is_exact(seed):
    track = generate(seed)
    surface = rasterise(track, replace(DARK, road=WHITE, centre_width=0), texel=0.01)
    assert area_of(surface) == pytest.approx(road_of(track).area, rel=2e-4)


def test_area_of_the_lines_is_exact():
    track = load_track("oval")
    lines = rasterise(track, replace(DARK, border=WHITE, border_width=0.05, centre_width=0))
    strokes = [LineString(line).buffer(0.05, cap_style="flat") for line in (track.inner, track.outer)]
    expected = unary_union(strokes).difference(road_of(track)).area
    assert area_of(lines) == pytest.approx(expected, rel=0.01)
    style = replace(DARK, centre=WHITE, centre_width=0.04, dash=0.3, gap=0.1)
    assert area_of(rasterise(track, style)) == pytest.approx(0.75 * 0.04 * track.length, rel=0.01)
    solid = rasterise(track, replace(style, gap=0.0))
    assert area_of(solid) == pytest.approx(0.04 * track.length, rel=0.01)


def test_edges_lie_where_the_track_says():
    rows = np.array([[x, 0.0, x, 0.3, x, -0.3] for x in np.linspace(0.0, 2.0, 5)])
    surface = rasterise(Track("straight", rows), Style(border_width=0.05, centre_width=0), texel=0.01)
    column = surface.levels[0][:, int((1.0 - surface.origin[0]) / 0.01)]
    y = surface.origin[1] + (np.arange(len(column)) + 0.5) * 0.01
    style = surface.style
    for colour, low, high in (
        (style.road, -0.3, 0.3),
        (style.border, 0.3, 0.35),
        (style.border, -0.35, -0.3),
    ):
        inside = (y > low + 0.01) & (y < high - 0.01)
        assert (column[inside] == colour).all()
    assert (column[np.abs(y) > 0.36] == style.field).all()
    coverage = np.abs(column[np.abs(y) < 0.4].astype(float) - style.field)[:, 2] > 0
    assert coverage.sum() * 0.01 == pytest.approx(0.7, abs=0.021)


def test_texel_on_an_edge_is_a_mixture():
    rows = np.array([[x, 0.0, x, 0.3025, x, -0.3] for x in np.linspace(0.0, 2.0, 5)])
    style = replace(DARK, road=(200, 200, 200), centre_width=0)
    surface = rasterise(Track("straight", rows), style, texel=0.01, margin=1.0)
    column = surface.levels[0][:, int((1.0 - surface.origin[0]) / 0.01), 0]
    mixed = column[(column > 0) & (column < 200)]
    assert (column.astype(float).sum() / 200 * 0.01) == pytest.approx(0.6025, abs=1e-4)
    assert len(mixed) <= 2


@pytest.mark.parametrize("name", ["oval", "bowtie", "grand_prix"])
def test_both_directions_share_one_picture(name):
    track = load_track(name)
    ahead, back = rasterise(track), rasterise(track.reversed())
    assert (ahead.origin == back.origin).all()
    difference = np.abs(ahead.levels[0].astype(int) - back.levels[0])
    assert difference.max() <= 2


def test_materials_are_where_they_belong():
    track = load_track("grand_prix")
    surface, style = rasterise(track), STYLES["deepracer"]
    s = np.linspace(0, track.length, 400, endpoint=False)
    half = track.width(s).min() / 2
    for side in (0.5, -0.5):
        for point in track.to_world(s, side * half):
            assert colour_at(surface, point) == style.road
    on_centre = [colour_at(surface, point) for point in track.to_world(s)]
    share = np.mean([colour == style.centre for colour in on_centre])
    assert share == pytest.approx(style.dash / (style.dash + style.gap), abs=0.07)


def test_real_tracks(deepracer_data):
    for file in sorted((deepracer_data / "tracks").glob("*.npy")):
        track = load_track(file)  # some are open, clockwise, hold repeated points
        surface = rasterise(track)
        height, width = surface.levels[0].shape[:2]
        assert height * width <= 6_500_000
        for s in np.linspace(0, track.length, 50, endpoint=False):
            at = colour_at(surface, track.to_world(s, 0.25 * float(track.width(s))))
            assert at == STYLES["deepracer"].road


def test_levels_are_means():
    surface = rasterise(load_track("oval"), random_style(np.random.default_rng(0)))
    assert len(surface.levels) == 8
    for fine, coarse in zip(surface.levels, surface.levels[1:], strict=False):
        height, width, _ = coarse.shape
        assert fine.shape == (2 * height, 2 * width, 3)
        mean = fine.reshape(height, 2, width, 2, 3).astype(float).mean(axis=(1, 3))
        assert np.abs(coarse - mean).max() <= 0.5
    assert surface.size == pytest.approx(np.array(surface.levels[0].shape[1::-1]) * surface.texel)


def test_texture_varies_at_every_scale():
    style = Style(field_texture=12.0, road_texture=0.0)
    surface = rasterise(load_track("oval"), style)
    for level in surface.levels[:5]:
        corner = level[: level.shape[0] // 8, : level.shape[1] // 8, 1].astype(float)
        assert corner.std() > 3
        assert corner.mean() == pytest.approx(style.field[1], abs=6)
    track = load_track("oval")
    assert colour_at(surface, track.to_world(1.0, 0.2)) == style.road


def test_a_large_track_gets_larger_texels():
    rows = np.array([[x, 0.0, x, 0.5, x, -0.5] for x in np.linspace(0.0, 400.0, 9)])
    surface = rasterise(Track("runway", rows))
    assert surface.levels[0].size < 3 * 7_000_000
    assert surface.texel > 0.005
    assert colour_at(surface, [200.0, 0.25]) == surface.style.road


def test_same_picture_each_time():
    style = random_style(np.random.default_rng(5))
    first, second = (rasterise(load_track("alley"), style) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.levels, second.levels, strict=True))


@pytest.mark.parametrize(
    "change", [{"texel": 0.0}, {"texel": 1.0}, {"margin": 0.0}, {"margin": float("nan")}]
)
def test_bad_sizes_get_one_clear_line(change):
    with pytest.raises(TrackError, match=f"{next(iter(change))}=.*: give "):
        rasterise(load_track("oval"), **change)


@settings(max_examples=300)
@given(st.integers(0, 2**32))
def test_random_styles_show_the_road(seed):
    style = random_style(np.random.default_rng(seed))
    assert style == random_style(np.random.default_rng(seed))
    for ground in (style.road, style.field):
        assert abs(luma(style.border) - luma(ground)) >= 50


def test_random_styles_are_varied():
    styles = [random_style(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(styles)) == 200
    roads = [luma(style.road) for style in styles]
    assert min(roads) < 40
    assert max(roads) > 200
    assert 10 <= sum(luma(style.border) < luma(style.road) for style in styles) <= 60


@pytest.mark.parametrize("name", STYLES)
def test_named_styles_show_the_road(name):
    style = STYLES[name]
    assert min(abs(luma(style.border) - luma(other)) for other in (style.road, style.field)) >= 50


@pytest.mark.parametrize(
    "change",
    [
        {"road": (0, 0)},
        {"road": (0, 0, 256)},
        {"sky": (0.5, 0, 0)},
        {"sky": "red"},
        {"field": 5},
        {"gap": "none"},
        {"dash": 0.0},
        {"gap": -1.0},
        {"border_width": float("nan")},
    ],
)
def test_bad_styles_get_one_clear_line(change):
    with pytest.raises(TrackError, match=f"style {next(iter(change))}=.*: give "):
        Style(**change)


def test_legibility_is_what_tells_where_the_road_ends() -> None:
    plain = Style(road=(60, 60, 60), field=(75, 75, 75), border=(122, 122, 122), centre=(122, 122, 122))
    assert legibility(plain) == pytest.approx(47 + 15 + 0, abs=0.1)
    lit = replace(plain, centre=(200, 200, 200))
    assert legibility(lit) == pytest.approx(47 + 15 + 78, abs=0.1)
    assert legibility(replace(plain, border=(200, 200, 200))) > legibility(plain)
    assert legibility(STYLES["deepracer"]) > 150
