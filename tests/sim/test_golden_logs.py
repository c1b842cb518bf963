"""The rules against what DeepRacer's own simulator logged."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hairpin.sim.chassis import FRONT_POINT
from hairpin.sim.locate import locate
from hairpin.sim.routes import make_routes
from hairpin.sim.rules import progress
from hairpin.tracks import load_track

TRAINING = [f"drfc_single_worker/training-simtrace/{n}-iteration.csv" for n in range(27)]
WORKERS = [
    f"drfc_multi_worker_sample/{w}/training-simtrace/{n}-iteration.csv" for w in range(3) for n in range(2)
]


def episodes(path: Path) -> Iterator[list[dict[str, str]]]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    bounds = [i for i, row in enumerate(rows) if row["episode_status"] == "prepare"] + [len(rows)]
    for first, last in itertools.pairwise(bounds):
        yield rows[first:last]


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def replay(data: Path, rows: list[dict[str, str]]) -> np.ndarray:
    """Place a logged episode on its track; (len(rows),) of PLACE_DTYPE."""
    routes = make_routes([load_track(data / "tracks" / "reinvent_base.npy")])
    yaw = np.radians(column(rows, "yaw"))
    x = column(rows, "X") - FRONT_POINT * np.cos(yaw)
    y = column(rows, "Y") - FRONT_POINT * np.sin(yaw)
    return locate(routes, np.zeros(len(rows), dtype=np.int64), np.column_stack([x, y, yaw]))


@pytest.mark.parametrize("log", TRAINING + WORKERS)
def test_progress_and_waypoints_equal_the_log(deepracer_data: Path, log: str) -> None:
    wheels_agree: list[bool] = []
    for rows in episodes(deepracer_data / "logs" / log):
        places = replay(deepracer_data, rows)
        episode = int(rows[0]["episode"])
        workers = 3 if "multi" in log else 1
        logged = column(rows, "progress")
        start = (episode * 0.05) % 1.0
        if workers > 1:
            start = nearest_start(places["position"][0], logged[0])
        previous = 0.0
        for place, expected in zip(places, logged, strict=True):
            one = progress(np.array([place["position"]]), np.array([start]), np.array([previous]))[0]
            assert one == pytest.approx(expected, abs=1e-9)
            previous = 0.0 if one == 100.0 else one
        np.testing.assert_array_equal(places["nearest"], column(rows, "closest_waypoint"))
        on_track = [row["all_wheels_on_track"] == "True" for row in rows]
        wheels_agree += ((places["wheels_on"] == 4) == on_track).tolist()
    # Ours are placed by the car's base alone, the log's by the physics of each link: they differ at borders.
    assert np.mean(wheels_agree) > 0.98


def nearest_start(position: float, progress_percent: float) -> float:
    return round((position - progress_percent / 100.0) / 0.05) * 0.05 % 1.0
