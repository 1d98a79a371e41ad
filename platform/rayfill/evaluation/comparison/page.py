"""Comparisons as one HTML page that needs nothing else: intervals, tables, slices, pictures won and lost, error maps."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rayfill.evaluation.comparison.compare import Comparison
from rayfill.evaluation.comparison.forest import forest
from rayfill.evaluation.comparison.pictures import GAIN, Shown
from rayfill.evaluation.comparison.text import DIGITS, UNITS
from rayfill.evaluation.protocol import Protocol
from rayfill.evaluation.report.page import TEMPLATES, data_url


@dataclass(frozen=True)
class Section:
    """A comparison with its pictures."""

    comparison: Comparison
    won: Sequence[Shown]
    lost: Sequence[Shown]


def render_comparison(sections: Sequence[Section], protocol: Protocol) -> str:
    """The page as HTML text. It refers to nothing outside itself and has no script."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["data_url"] = data_url
    return environment.get_template("compare.html.j2").render(
        css=Markup((TEMPLATES / "report.css").read_text()),
        sections=sections,
        protocol=protocol,
        protocol_digest=protocol.digest(),
        forest=forest,
        digits=DIGITS,
        units=UNITS,
        enlarged=GAIN,
    )
