"""One figure of the page, or the reason why it is not there."""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure as plotly's JSON; `missing` says in a sentence why there is none."""

    title: str
    note: str
    figure: str | None
    missing: str | None


def plot(title: str, note: str, make: Callable[[], go.Figure], missing: str | None = None) -> Plot:
    """The figure that `make` draws, unless `missing` says why it cannot be drawn or the library itself refuses."""
    if missing:
        return Plot(title, note, None, missing)
    try:
        figure = make()
    except ValueError as error:  # Optuna's word for data that a plot cannot show
        return Plot(title, note, None, f"Optuna cannot draw this: {error}")
    if not figure.data:
        return Plot(title, note, None, "There is nothing to draw.")
    # The page has a title above it and colours of its own; the template alone would be 6 kB a figure.
    figure.update_layout(title=None, template=None)
    return Plot(title, note, figure.to_json(), None)


def too_few(found: int, needed: int, what: str = "complete trials") -> str | None:
    """The reason that `found` is fewer than `needed`, or None."""
    if found >= needed:
        return None
    return f"This needs at least {needed} {what}, and there {'is' if found == 1 else 'are'} {found}."
