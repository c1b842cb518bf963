"""Reward functions: finding, calling, describing and checking them."""

from __future__ import annotations

from .call import LARGEST as LARGEST
from .call import evaluate as evaluate
from .check import TRAINING_STEP_US as TRAINING_STEP_US
from .check import CheckReport as CheckReport
from .check import Timing as Timing
from .check import check as check
from .errors import RewardError as RewardError
from .heatmap import draw as draw
from .heatmap import evaluate_grid as evaluate_grid
from .params import PARAMS as PARAMS
from .params import ParamDoc as ParamDoc
from .params import RewardParams as RewardParams
from .problem import Problem as Problem
from .resolve import Reward as Reward
from .resolve import RewardRef as RewardRef
from .resolve import library as library
from .resolve import resolve as resolve
from .state import is_stateful as is_stateful
from .state import per_car as per_car
