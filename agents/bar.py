"""The progress bar of a training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from stable_baselines3.common.callbacks import BaseCallback

from hairpin.sim.rules import Status

from .callbacks import Evaluations
from .gate import LAPS, OBJECT_STARTS, STARTS, Verdict


class Bar(BaseCallback):
    """Shows steps, speed, laps driven so far and what the newest evaluation said.

    Where the console is no terminal, such as a log file, it prints a line per evaluation instead.

    Args:
        total: Environment steps that training may take.
        evaluations: Where the newest verdict is.
        console: Where it is drawn.
    """

    def __init__(self, total: int, evaluations: Evaluations, console: Console) -> None:
        super().__init__()
        self._evaluations = evaluations
        self._total = total
        self._console = console
        self._laps = 0
        self._fastest = float("inf")
        self._began = time.monotonic()
        self._first = 0
        self._drawn = 0.0
        self._printed = 0  # verdicts
        self._bar = Progress(
            BarColumn(bar_width=10),
            TextColumn("{task.completed:,.0f} steps"),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TextColumn("laps [bold green]{task.fields[laps]}"),
            TextColumn("{task.fields[verdict]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total, rate=0.0, laps="0", verdict="")

    def _on_training_start(self) -> None:
        self._first = self.num_timesteps
        self._began = time.monotonic()
        self._bar.start()

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if info.get("status") == Status.LAP_COMPLETE.label:
                self._laps += 1
                self._fastest = min(self._fastest, info["lap_time"])
        now = time.monotonic()
        if now - self._drawn > 0.1:
            self._drawn = now
            self._draw()
        return True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Show that the policy watches before it drives."""
        with self._console.status("finding the racing line, and learning to follow it"):
            yield

    def stop(self) -> None:
        """Draw the last state and leave it on the screen."""
        self._draw()
        self._bar.stop()

    def _draw(self) -> None:
        found = self._evaluations.found
        rate = (self.num_timesteps - self._first) / max(time.monotonic() - self._began, 1e-9)
        laps = f"{self._laps}, best {self._fastest:.1f} s" if self._laps else "0"
        verdict = f"evaluated {found[-1].progress:.1f}/{LAPS}" if found else ""  # 80 columns are few
        self._bar.update(self._task, completed=self.num_timesteps, rate=rate, laps=laps, verdict=verdict)
        if self._console.is_terminal:
            return
        for one in found[self._printed :]:
            self._console.print(
                f"training: {one.steps:,} of {self._total:,} steps, {rate:,.0f} steps/s, "
                f"laps {laps}; evaluated: {verdict_text(one)}",
                highlight=False,
                soft_wrap=True,
            )
        self._printed = len(found)


def verdict_text(verdict: Verdict) -> str:
    """What an evaluation found, in few words."""
    trials = f"nearly all of {OBJECT_STARTS}" if verdict.objects else f"all {STARTS}"
    if verdict.confirmed:
        out = f", a wheel out on {verdict.wheels_out} steps" if verdict.wheels_out else ""
        return f"{LAPS} laps from {trials} starts, confirmed{out}"
    if verdict.passed:
        return f"{LAPS} laps from {trials} starts"
    return f"{verdict.progress:.1f} of {LAPS} laps a start"
