"""Tracks: geometry, files, built-in and generated ones."""

from __future__ import annotations

from .catalog import builtin_track as builtin_track
from .catalog import load_track as load_track
from .catalog import track_names as track_names
from .files import save_track as save_track
from .generator import generate as generate
from .style import STYLES as STYLES
from .style import Style as Style
from .style import random_style as random_style
from .surface import Surface as Surface
from .surface import rasterise as rasterise
from .track import Track as Track
from .validate import TrackError as TrackError
