"""The robustness card as a picture and as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .pictures import save_figure
from .stress import Card, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

#: From bad over middling to good; told apart with red-green blindness too, and the figures are in the cells.
_COLOURS: Final = ("#b5403c", "#f0c27b", "#f6f1de", "#9cc5b4", "#2c7a6b")
_STRENGTHS: Final = 4


def draw_card(path: Path, card: Card) -> None:
    """Draw the card: a row for each disturbance, stronger to the right, coloured by completion.

    Args:
        path: The PNG file.
        card: The card.

    Raises:
        RunError: The file cannot be written.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    colours = LinearSegmentedColormap.from_list("card", _COLOURS)
    rows = list(card.disturbances.items())
    figure = Figure(figsize=(8.2, 1.5 + 0.42 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for y, (_, results) in enumerate(rows):
        for x, result in enumerate(results):
            _draw_cell(axes, x, y, result, colours(result.completion))
    axes.set_xlim(0, _STRENGTHS)
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks([y + 0.5 for y in range(len(rows))], [name for name, _ in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("in each cell: strength; trials completed; steps with a wheel off the road, if any")
    axes.set_title(title(card), loc="left", fontsize=10.5)
    save_figure(figure, path)


def _draw_cell(axes: Axes, x: int, y: int, result: Result, colour: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
    dark = result.completion < 0.15 or result.completion > 0.9
    ink = "white" if dark else "#222222"
    settings: dict[str, Any] = {"va": "center", "color": ink}
    axes.text(x + 0.05, y + 0.52, result.strength, fontsize=8, **settings)
    axes.text(
        x + 0.68, y + 0.52, f"{result.completion:.0%}", fontsize=9, ha="right", weight="bold", **settings
    )
    if result.wheels_out > 0:
        axes.text(x + 0.96, y + 0.52, _share(result.wheels_out), fontsize=7, ha="right", **settings)


def title(card: Card) -> str:
    """The card in two lines."""
    laps = "a lap" if card.laps == 1 else f"{card.laps} laps"
    return (
        f"{card.policy} on {card.track}, {card.physics} physics: {card.trials} trials of {laps} a cell\n"
        f"undisturbed {card.nominal.completion:.0%}, mean of all disturbances {card.score:.0%}, "
        f"weakest: {card.weakest}"
    )


def table(card: Card) -> Table:
    """The card as a table for the console: completion, and the share of steps with a wheel off the road."""
    from rich.box import SIMPLE
    from rich.table import Table

    made = Table("disturbance", "weak", "", "", "strong", title=title(card), title_justify="left", box=SIMPLE)
    for name, results in card.disturbances.items():
        cells = [f"{result.completion:4.0%} {result.strength}\n     {_out(result)}" for result in results]
        made.add_row(name, *cells)
    return made


def _out(result: Result) -> str:
    return f"[dim]{_share(result.wheels_out)} out[/]" if result.wheels_out > 0 else ""


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.01 else "<1%"
