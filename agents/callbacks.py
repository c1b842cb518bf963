"""What happens beside the learning: evaluations, checkpoints and traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from hairpin.sim.sb3 import SB3VecEnv
from hairpin.sim.trace import TraceRecorder, read_rows, write_trace

from .contract import EPISODES_PER_ITERATION
from .files import write_atomically
from .gate import Gate, Trial, Verdict, enough
from .history import add_evaluation, evaluations_of
from .judging import Judge
from .learner import save_model
from .logs.metrics import TrainingMetrics
from .run import Run, save_checkpoint

CHECKPOINT_SECONDS: Final = 30.0
_MOST_OF_THE_TIME: Final = 0.02  # that checkpoints may take; those of large networks are 140 MB
METRICS_SECONDS: Final = 5.0
_CLEARLY: Final = 0.2  # laps per start, of 3: what chance alone makes of 64 trials on 4 tracks


def checkpoint(run: Run, model: BaseAlgorithm, best: Verdict | None = None) -> None:
    """Save a model as the run's last one, and as its best one if a verdict says so."""
    save_checkpoint(
        run, model.num_timesteps, lambda path: save_model(model, path), best=best.to_dict() if best else None
    )


class Evaluations(BaseCallback):
    """Has the policy judged now and then, keeps the best and the last one, and ends training when it laps.

    Training goes on meanwhile, until the next evaluation is due. What was learned during the evaluation that
    ends a training is left out, so that the same seed gives the same run.

    Args:
        run: Where checkpoints go.
        gate: What judges the policy.
        every: Environment steps between evaluations; where training is to stop, an eighth of the steps so far
            if that is more, so that a policy is caught early and a long training is not all evaluations.
        stop: Whether a policy that laps, as `gate.enough` has it, ends the training.
        prefer_later: Whether a later policy is the better one unless it is found clearly worse: where
            evaluations say less about two policies than how long they were trained.
        best: The best verdict so far, of a run that goes on.
        traces: Where trials are logged.

    Attributes:
        best: The best verdict so far.
        found: All verdicts of this training, in order.
    """

    def __init__(
        self,
        run: Run,
        gate: Gate,
        every: int,
        *,
        stop: bool,
        prefer_later: bool = False,
        best: Verdict | None = None,
        traces: Traces | None = None,
    ) -> None:
        super().__init__()
        self._traces = traces
        self.run = run
        self.judge = Judge(gate)
        self.every = every
        self.stop = stop
        self.prefer_later = prefer_later
        self.best = best
        self.found: list[Verdict] = []
        self._verdicts = [*evaluations_of(run), *([best] if best is not None else [])]
        self._next = every
        self._next_save = time.monotonic() + CHECKPOINT_SECONDS

    def _on_training_start(self) -> None:
        self._next = self._due()

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._next:
            self._next = self._due()
            self._settle(wait=True)
            if not self._satisfied:
                self.judge.begin(self.model)
        elif not self.judge.busy and time.monotonic() > self._next_save:
            self._save(self.num_timesteps, lambda path: save_model(self.model, path))

    def _due(self) -> int:
        """Steps at which the next evaluation is due."""
        return self.num_timesteps + max(self.every, self.num_timesteps // 8 if self.stop else 0)

    def _save(self, steps: int, write: Callable[[Path], object], best: Verdict | None = None) -> None:
        began = time.monotonic()
        save_checkpoint(self.run, steps, write, best=best.to_dict() if best else None)
        ended = time.monotonic()
        self._next_save = ended + max(CHECKPOINT_SECONDS, (ended - began) / _MOST_OF_THE_TIME)

    def _on_step(self) -> bool:
        self._settle(wait=False)
        return not self._satisfied

    @property
    def _satisfied(self) -> bool:
        return self.stop and enough(self._verdicts, max((v.steps for v in self._verdicts), default=0))

    def finish(self) -> None:
        """Judge and save what the training left, unless it ended because the policy laps."""
        self._settle(wait=True)
        if not self._satisfied:
            self.judge.begin(self.model)
            self._settle(wait=True)

    def _is_better(self, verdict: Verdict) -> bool:
        if self.best is None or verdict.rank > self.best.rank:
            return True
        return self.prefer_later and verdict.passed and verdict.robust > self.best.robust - _CLEARLY

    def close(self) -> None:
        """Give up an evaluation that goes on."""
        self.judge.close()

    def _settle(self, *, wait: bool) -> None:
        """Enter the newest verdict, and save the policy that it is about."""
        judged = self.judge.take(wait=wait)
        if judged is None:
            return
        verdict = judged.verdict
        self.found.append(verdict)
        self._verdicts.append(verdict)
        better = self._is_better(verdict)
        if better:
            self.best = verdict
        # The checkpoint first: what evaluations are listed for is then there, wherever a kill comes.
        self._save(
            verdict.steps, lambda path: path.write_bytes(judged.checkpoint), verdict if better else None
        )
        add_evaluation(self.run, verdict)
        if self._traces is not None:
            self._traces.evaluated(self.judge.gate.trials)
        self.logger.record("evaluation/laps_per_start", verdict.progress)
        self.logger.record("evaluation/confirmed", float(verdict.confirmed))
        self.logger.dump(verdict.steps)


class Traces(BaseCallback):
    """Writes every step of every finished episode, and the metrics, as DeepRacer's simulator does.

    Tools expect all files but the last to hold the same number of episodes, so a run that goes on begins with
    the episodes of a last file that was not full.

    Args:
        run: Where the files go.
        env: The cars.
    """

    def __init__(self, run: Run, env: SB3VecEnv) -> None:
        super().__init__()
        self._folder = run.path / "training-simtrace"
        self._recorder = TraceRecorder(env.num_envs)
        env.env.world.recorder = self._recorder
        self._files = len(list(self._folder.glob("*-iteration.csv")))
        last = self._folder / f"{self._files - 1}-iteration.csv"
        if last.exists() and len(unfinished := read_rows(last)) < EPISODES_PER_ITERATION:
            self._recorder.finished = unfinished
            self._files -= 1
        self._metrics_written = time.monotonic()
        self._metrics = TrainingMetrics(
            run.path / "metrics" / "TrainingMetrics.json",
            self._files * EPISODES_PER_ITERATION,
            EPISODES_PER_ITERATION,
        )

    def _on_step(self) -> bool:
        while len(self._recorder.finished) >= EPISODES_PER_ITERATION:
            self._write()
        return True

    def evaluated(self, trials: Sequence[Trial]) -> None:
        """Enter an evaluation into the metrics."""
        episodes = self._files * EPISODES_PER_ITERATION + len(self._recorder.finished)
        self._metrics.evaluated(trials, episodes)

    def finish(self) -> None:
        """Write the episodes that do not fill a file."""
        if self._recorder.finished:
            self._write()
        self._metrics.write()

    def _write(self) -> None:
        episodes = self._recorder.take(EPISODES_PER_ITERATION)

        def fill(path: Path) -> None:
            with path.open("w") as file:
                write_trace(file, episodes, self._files * EPISODES_PER_ITERATION)

        # Policies that know nothing end episodes by the dozen: waiting for the disk each time would show.
        write_atomically(self._folder / f"{self._files}-iteration.csv", fill, durable=False)
        self._metrics.trained(episodes, self._files * EPISODES_PER_ITERATION)
        if time.monotonic() - self._metrics_written > METRICS_SECONDS:  # it grows, and is written whole
            self._metrics.write()
            self._metrics_written = time.monotonic()
        self._files += 1
