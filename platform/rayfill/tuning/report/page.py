"""The sweep as one HTML page that needs nothing else: plotly.js, figures and pictures are in it, and it asks no network."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from rayfill.evaluation.report.page import TEMPLATES as SCORECARD_TEMPLATES
from rayfill.evaluation.report.page import data_url
from rayfill.spec.sweep import Sweep
from rayfill.tuning.report.facts import outcome, reasons, spent
from rayfill.tuning.report.pictures import Gallery
from rayfill.tuning.report.rank_correlation import rank_correlations
from rayfill.tuning.report.readable import readable
from rayfill.tuning.report.recipe_diff import recipe_diff
from rayfill.tuning.report.sections import sections
from rayfill.tuning.report.trial_table import headlines, trial_rows
from rayfill.tuning.study.trial_record import Record
from rayfill.tuning.winner.winner import Winner

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Swept:
    """All that the page tells. `winner` is None where `no_winner`, a clause, says why."""

    study: optuna.Study
    sweep: Sweep
    records: Sequence[Record]
    winner: Winner | None
    no_winner: str
    gallery: Gallery
    measured: Sequence[tuple[str, str]]
    wall_seconds: float
    made: str


def render_page(swept: Swept) -> str:
    """The page as HTML text, about 5 MB, nearly all of it plotly.js."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"data_url": data_url, "embedded": embedded}
    sweep, records, winner = swept.sweep, swept.records, swept.winner
    drawn, names = readable(swept.study)
    plotly, script = get_plotlyjs(), (TEMPLATES / "figures.js").read_text()
    return environment.get_template("sweep.html.j2").render(
        css=Markup((SCORECARD_TEMPLATES / "report.css").read_text() + (TEMPLATES / "sweep.css").read_text()),
        policy=content_policy(plotly, script),
        plotly=Markup(plotly),
        script=Markup(script),
        sweep=sweep,
        outcome=outcome(records),
        headlines=headlines(sweep, records, winner),
        winner=winner,
        no_winner=swept.no_winner,
        diff=recipe_diff(winner.base, winner.recipe) if winner else [],
        gallery=swept.gallery,
        names=names,
        sections=sections(drawn, sweep, records, winner.record if winner else None),
        correlations=[(o.label, rank_correlations(records, o.label)) for o in sweep.objectives if not o.is_cost],
        rows=trial_rows(sweep, records, winner.record.number if winner else None),
        failures=reasons(records),
        spent=spent(sweep, records, swept.wall_seconds),
        measured=swept.measured,
        file=yaml.safe_dump(sweep.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        made=swept.made,
    )


def embedded(figure: str) -> Markup:
    """JSON that can stand inside a script element: it cannot end the element, whatever a trial was called."""
    return Markup(figure.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def content_policy(*scripts: str) -> str:
    """A policy under which a browser runs these scripts alone and fetches nothing."""
    digests = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data: blob:"
