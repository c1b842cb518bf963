"""Track files: what loads, what is written, and one clear line for what does not load."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hairpin.tracks import Track, TrackError, generate, load_track, save_track

# Length [m] and median distance [m] between the border points of a row, computed from the files with shapely.
REAL = {
    "2022_april_open": (50.30, 1.067),
    "2022_summit_speedway": (25.17, 1.067),
    "2024_reinvent_champ_ccw": (25.11, 0.762),
    "AWS_track": (69.25, 0.838),
    "Bowtie_track": (17.43, 0.724),
    "Oval_track": (19.55, 0.666),
    "Straight_track": (5.71, 0.610),
    "Tokyo_Training_track": (22.63, 1.157),
    "reInvent2019_track": (23.12, 1.067),
    "reInvent2019_track_cw": (23.09, 1.060),
    "reInvent2019_wide": (16.64, 1.067),
    "reinvent_base": (17.71, 0.762),
}
SQUARE = "width 0.8\ncorner 0 0\ncorner 5 0\ncorner 5 5\ncorner 0 5\n"
HEADER = "# x_m, y_m, w_tr_right_m, w_tr_left_m\n"


def circle_rows(step: int = 1) -> list[str]:
    angle = np.radians(np.arange(0, 360, 5)[::step])
    return [f"{2 * np.cos(a):.4f}, {2 * np.sin(a):.4f}, 0.3, 0.5" for a in angle]


def refusal(path: Path) -> str:
    with pytest.raises(TrackError) as caught:
        load_track(path)
    text = str(caught.value)
    assert "\n" not in text and str(path) in text
    return text


# Real files


@pytest.mark.parametrize("name", REAL)
def test_real_tracks_keep_their_rows_and_measures(deepracer_data: Path, name: str) -> None:
    path = deepracer_data / "tracks" / f"{name}.npy"
    track = load_track(path)
    length, width = REAL[name]
    assert_array_equal(track.waypoints, np.load(path))
    assert track.length == pytest.approx(length, abs=0.01)
    assert np.median(np.linalg.norm(track.inner - track.outer, axis=1)) == pytest.approx(width, abs=0.001)
    assert track.closed == (name != "Straight_track")
    assert track.is_ccw == (name != "reInvent2019_track_cw")
    assert np.isfinite(track.curvature(track.stations)).all()


def test_every_real_track_in_the_folder_is_in_the_table(deepracer_data: Path) -> None:
    assert {path.stem for path in (deepracer_data / "tracks").glob("*.npy")} == set(REAL)


# NumPy files


def test_npy_round_trip_is_exact(tmp_path: Path) -> None:
    track = generate(5)
    save_track(track, tmp_path / "t.npy")
    again = load_track(str(tmp_path / "t.npy"))
    assert again.digest == track.digest and again.name == "t"
    assert [path.name for path in tmp_path.iterdir()] == ["t.npy"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4"])
def test_npy_of_other_layouts_load(tmp_path: Path, dtype: str, order: str) -> None:
    rows = generate(5).waypoints.astype(dtype, order=order)
    np.save(tmp_path / "t.npy", rows)
    assert_allclose(load_track(tmp_path / "t.npy").waypoints, rows)


def test_npy_without_the_repeated_row_is_closed(tmp_path: Path) -> None:
    rows = generate(5).waypoints
    np.save(tmp_path / "t.npy", rows[:-1])
    assert_array_equal(load_track(tmp_path / "t.npy").waypoints, rows)
    np.save(tmp_path / "t.npy", rows + np.linspace(0, 1e-9, len(rows))[:, None])
    assert load_track(tmp_path / "t.npy").closed


class Explosive:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


def _object_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[Explosive()] * 6] * 5, dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


BAD_NPY = {
    "object array": (_object_array(), "never loaded"),
    "pickle": (pickle.dumps(Explosive()), "not a NumPy"),
    "text": (b"x,y\n1,2\n", "not a NumPy .npy file; a centre line as text is a .csv"),
    "empty": (b"", "empty"),
    "cut short": (_npy(np.zeros((50, 6)))[:-100], "cut short"),
    "cut in the header": (_npy(np.zeros((50, 6)))[:40], "cut short"),
    "header only": (_npy(np.zeros((50, 6)))[:10], "cut short"),
    "immense": (_npy(np.zeros((5, 6))).replace(b"(5, 6)", b"(1000000000000, 6)"), "cut short"),
    "shape": (_npy(np.zeros((5, 4))), r"shape (5, 4), need (N, 6)"),
    "scalar": (_npy(np.array(1.0)), "shape ()"),
    "no rows": (_npy(np.zeros((0, 6))), "shape (0, 6)"),
    "words": (_npy(np.array([["a"] * 6] * 5)), "<U1"),
    "complex": (_npy(np.zeros((5, 6), complex)), "complex128"),
    "few": (_npy(np.arange(18.0).reshape(3, 6)), "4 rows at least"),
    "nan": (_npy(np.where(np.eye(8, 6) > 0, np.nan, generate(1).waypoints[:8])), "row 0, column 0 is nan"),
    "zip": (b"PK\x03\x04" + bytes(30), "not a NumPy"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_npy_gets_one_line_and_nothing_is_unpickled(tmp_path: Path, monkeypatch, case: str) -> None:
    monkeypatch.chdir(tmp_path)
    data, text = BAD_NPY[case]
    path = tmp_path / "bad.npy"
    path.write_bytes(data)
    assert text in refusal(path)
    assert not Path("exploded").exists()


@given(st.binary(max_size=300), st.integers(0, 2000))
@settings(max_examples=200, deadline=None)
def test_damaged_npy_never_raises_anything_else(tmp_path_factory, noise: bytes, at: int) -> None:
    data = bytearray(_npy(generate(1).waypoints))
    data[at : at + len(noise)] = noise
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(data)
    try:
        assert isinstance(load_track(path), Track)
    except TrackError as error:
        assert str(path) in str(error)


# CSV files


@pytest.mark.parametrize(
    "header", [HEADER, HEADER.lstrip("# "), "\ufeff" + HEADER, "", "# drawn by hand\n\n" + HEADER]
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_csv_in_every_dialect(tmp_path: Path, header: str, separator: str) -> None:
    path = tmp_path / "ring.csv"
    path.write_text((header + "\n".join(circle_rows()) + "\n").replace(",", separator), encoding="utf-8")
    track = load_track(path)
    assert track.closed and track.is_ccw and len(track.waypoints) == 73
    assert track.length == pytest.approx(4 * np.pi, rel=0.01)
    assert_allclose(
        np.linalg.norm(track.inner, axis=1), 1.5, atol=0.002
    )  # 0.5 m to the left, which is inside
    assert_allclose(np.linalg.norm(track.outer, axis=1), 2.3, atol=0.002)


def test_csv_columns_go_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "ring.csv"
    rows = [row.split(", ") for row in circle_rows()]
    lines = ["s_m; w_tr_left_m; y_m; x_m; w_tr_right_m", *(f"0; {lf}; {y}; {x}; {r}" for x, y, r, lf in rows)]
    path.write_text("\n".join(lines))
    assert_allclose(np.linalg.norm(load_track(path).inner, axis=1), 1.5, atol=0.002)


def test_csv_round_trip_keeps_centre_and_widths(tmp_path: Path) -> None:
    for track in (generate(2), generate(2).reversed(), load_track("alley")):
        save_track(track, tmp_path / "t.csv")
        again = load_track(tmp_path / "t.csv")
        assert again.is_ccw == track.is_ccw and len(again.waypoints) == len(track.waypoints)
        assert_allclose(again.center, track.center, atol=1e-6)
        assert_allclose(again.inner, track.inner, atol=0.03)
        assert_allclose(again.outer, track.outer, atol=0.03)


def test_csv_round_trip_of_every_real_track(deepracer_data: Path, tmp_path: Path) -> None:
    for path in (deepracer_data / "tracks").glob("*.npy"):
        track = load_track(path)
        save_track(track, tmp_path / "t.csv")
        again = load_track(tmp_path / "t.csv")
        assert again.closed == track.closed and again.length == pytest.approx(track.length, abs=1e-4)
        assert np.median(again.width(again.stations)) == pytest.approx(
            np.median(track.width(track.stations)), abs=0.01
        )


def test_open_csv_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    path.write_text(HEADER + "\n".join(f"{x}, 0, 0.4, 0.4" for x in range(6)))
    assert not load_track(path).closed


BAD_CSV = {
    "word": (HEADER + "\n".join([*circle_rows()[:6], "here, 1, 0.3, 0.3"]), "line 8: 'here' is not a number"),
    "missing column": (HEADER + "1, 2, 3\n" * 5, "line 2: 3 columns; need columns x_m"),
    "nan": (HEADER + "nan, 2, 3, 4\n" * 5, "line 2: 'nan' is not a finite number"),
    "no width": (HEADER + "1, 2, 0, 0.4\n" * 5, "line 2: the width 0 m"),
    "few": (HEADER + "\n".join(circle_rows()[:3]), "3 rows of numbers"),
    "empty": ("", "0 rows of numbers"),
    "unknown header": (
        "a, b, c, d\n" + "\n".join(circle_rows()),
        "line 1: 'a' is not a number; need columns x_m",
    ),
    "too wide": (HEADER + "\n".join(circle_rows()).replace("0.5", "2.5"), "row"),
    "full size": (HEADER + "\n".join(f"{x * 9}, {x % 2}, 6, 6" for x in range(40)), "full-size"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_names_the_line(tmp_path: Path, case: str) -> None:
    content, text = BAD_CSV[case]
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert text in refusal(path)


def test_binary_files_are_not_text(tmp_path: Path) -> None:
    for suffix in (".csv", ".track"):
        path = tmp_path / f"t{suffix}"
        path.write_bytes(b"\x93NUMPY\x00\xff\xfe")
        assert "not a text file in UTF-8" in refusal(path)


def test_spreadsheets_in_utf_16_are_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("# x_m, y_m, w_tr_right_m, w_tr_left_m\n", encoding="utf-16")
    assert "not a text file in UTF-8: save it as one" in refusal(path)


# Drawings


def drawn(tmp_path: Path, text: str) -> Track:
    path = tmp_path / "d.track"
    path.write_text(text)
    return load_track(path)


def test_drawing_of_a_square_is_a_circle_unless_radii_say_otherwise(tmp_path: Path) -> None:
    track = drawn(tmp_path, SQUARE)
    assert_allclose(np.linalg.norm(track.center - 2.5, axis=1), 2.5, atol=1e-9)
    track = drawn(
        tmp_path, "title A square # not a lap\n" + SQUARE.replace("corner 5 5", "corner 5 5 radius 1")
    )
    assert track.title == "A square"
    assert track.min_radius == pytest.approx(1.0, rel=0.03)
    assert_allclose(track.center[0], (2.5, 0), atol=1e-9)
    assert_allclose(np.linalg.norm(track.inner - track.outer, axis=1), 0.8)


def test_drawing_scales_to_its_length_but_keeps_its_width(tmp_path: Path) -> None:
    track = drawn(tmp_path, SQUARE + "length 30\nspacing 0.2\n")
    assert track.length == pytest.approx(30, abs=1e-9)
    assert np.median(np.diff(track.stations)) == pytest.approx(0.2, rel=0.01)
    assert_allclose(np.linalg.norm(track.inner - track.outer, axis=1), 0.8)


def test_drawing_is_deterministic(tmp_path: Path) -> None:
    assert drawn(tmp_path, SQUARE).digest == drawn(tmp_path, "# again\n" + SQUARE).digest


BAD_DRAWING = {
    "keyword": (SQUARE + "cornr 1 2\n", "line 6: unknown word 'cornr': did you mean 'corner'?"),
    "nonsense": ("xyz 1\n" + SQUARE, "line 1: unknown word 'xyz': a line starts with one of: title, width"),
    "number": ("width wide\n", "line 1: 'wide' is not a number"),
    "comma": ("width 0,8\n", "line 1: '0,8' is not a number: write a decimal point"),
    "second width": (SQUARE + "width 0.7\n", "line 6: a second width"),
    "no width": (SQUARE.replace("width 0.8\n", ""), "no width: add a line like 'width 0.8'"),
    "width range": ("width 80\n", "line 1: width 80 m is outside 0.2 to 5 m"),
    "no number": ("width\n", "line 1: write 'width' and one number"),
    "corner": (SQUARE + "corner 1 2 3\n", "line 6: write a corner as 'corner X Y radius R'"),
    "radius": (SQUARE + "corner 1 2 radius -1\n", "line 6: radius -1 is not above 0"),
    "infinite": (SQUARE + "corner 1 inf\n", "line 6: 'inf' is not a finite number"),
    "few corners": ("width 0.8\ncorner 0 0\ncorner 1 1\n", "2 corners, need at least 3"),
    "too large": (SQUARE.replace("corner 5 5", "corner 5 5 radius 4"), "line 4: radius 4 m does not fit"),
    "too tight": (SQUARE.replace("corner 5 5", "corner 5 5 radius 0.3"), "line 4: the bend of radius 0.3 m"),
    "repeated": (SQUARE.replace("corner 5 5", "corner 5 0"), "line 4: the corner repeats"),
    "back": (SQUARE + "corner 0 9\n", "line 6: the road turns straight back"),
    "crossing": ("width 0.5\ncorner 0 0\ncorner 5 5\ncorner 5 0\ncorner 0 5\n", "row"),
    "empty": ("", "no width"),
}


@pytest.mark.parametrize("case", BAD_DRAWING)
def test_bad_drawing_names_the_line(tmp_path: Path, case: str) -> None:
    content, text = BAD_DRAWING[case]
    path = tmp_path / "bad.track"
    path.write_text(content)
    assert text in refusal(path)


# Names and places


def test_missing_and_foreign_files_say_what_else_there_is(tmp_path: Path) -> None:
    save_track(generate(0), tmp_path / "monza.npy")
    assert "did you mean" in refusal(tmp_path / "monsa.npy") and "monza.npy" in refusal(
        tmp_path / "monsa.npy"
    )
    assert "oval" in refusal(tmp_path / "oval.npy")
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "t.json").write_text("{}")
    assert "a track is a .npy, .csv, .track file, not '.json'" in refusal(tmp_path / "t.json")
    (tmp_path / "d.npy").mkdir()
    assert "is a folder" in refusal(tmp_path / "d.npy")
    with pytest.raises(TrackError, match="did you mean bowtie"):
        load_track("bowtye")
    with pytest.raises(TrackError, match="the built-in tracks are alley, bowtie"):
        load_track("qqqqqq")
    with pytest.raises(TrackError, match="not NoneType"):
        load_track(None)  # type: ignore[arg-type]


def test_a_track_loads_as_itself() -> None:
    track = load_track("oval")
    assert load_track(track) is track


def test_scale_mends_units(tmp_path: Path) -> None:
    np.save(tmp_path / "mm.npy", generate(1).waypoints * 1000)
    assert "millimetres? Scale it by 0.001" in refusal(tmp_path / "mm.npy")
    assert load_track(tmp_path / "mm.npy", scale=0.001).length == pytest.approx(20)


def test_saving_elsewhere_is_refused_in_one_line(tmp_path: Path) -> None:
    track = load_track("oval")
    for name, text in (
        ("t.track", "drawn by hand"),
        ("t.json", "not '.json'"),
        ("none/t.npy", "No such file"),
    ):
        with pytest.raises(TrackError, match=text):
            save_track(track, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
