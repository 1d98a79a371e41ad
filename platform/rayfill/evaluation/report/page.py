"""The scorecard as one HTML page that needs nothing else: pictures, styles and charts are in it, and it has no script."""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rayfill.evaluation.measured import MODEL
from rayfill.evaluation.metrics import Area
from rayfill.evaluation.report.chart import Line, line_chart
from rayfill.evaluation.report.samples import Sample
from rayfill.evaluation.report.tables import LABELS, RIVALS, metric_tables, own_table
from rayfill.evaluation.scorecard import Scorecard, score
from rayfill.evaluation.table import index_rows, line_names
from rayfill.spec.model import ModelCard
from rayfill.spec.release import ALL

TEMPLATES = Path(__file__).parent / "templates"

_SHOWN_FIRST = (("psnr", "whole"), ("psnr", "hole"), ("ssim", "whole"), ("l1_rel_gt", "whole"))


def render_report(card: Scorecard, model: ModelCard, samples: Sequence[Sample]) -> str:
    """The page as HTML text. It refers to nothing outside itself."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["data_url"] = data_url
    tables = metric_tables(card)
    first = [table for table in tables if (table.metric.name, table.area) in _SHOWN_FIRST]
    capped = index_rows(card)[MODEL, "psnr", ALL, "whole", "composited"].capped
    return environment.get_template("report.html.j2").render(
        css=Markup((TEMPLATES / "report.css").read_text()),
        card=card,
        model=model,
        digest=card.digest(),
        protocol_digest=card.protocol.digest(),
        columns=[*card.protocol.buckets, ALL],
        headlines=_headlines(card),
        charts=[
            _chart(card, "psnr", "hole", "PSNR over the hole, dB"),
            _chart(card, "ssim", "whole", "SSIM, whole picture"),
        ],
        first_tables=first,
        own_table=own_table(card),
        further_tables=[table for table in tables if table not in first],
        samples=samples,
        capped=capped,
    )


def data_url(pixels: npt.NDArray[np.uint8]) -> str:
    """(H,W,3) uint8 RGB as a `data:` URL of a JPEG of quality 95 without chroma subsampling."""
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=95, colorspace="RGB", colorsubsampling="444")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _chart(card: Scorecard, metric: str, area: Area, title: str) -> tuple[str, Markup]:
    """Title and chart of every method's composited answers by bucket."""
    rows, buckets = index_rows(card), card.protocol.buckets
    lines = []
    for name, method, form in line_names(card):
        found = [rows.get((method, metric, bucket, area, form)) for bucket in buckets]
        values = [row.mean for row in found if row]
        if form == "composited" and len(values) == len(buckets):
            lines.append(Line(card.model.name if method == MODEL else LABELS.get(name, name), method, values))
    return title, line_chart(title, buckets, lines)


def _headlines(card: Scorecard) -> list[tuple[str, str, str]]:
    """(label, number, note) of what a reader wants to know first: composited answers over all buckets."""
    hole = score(card, MODEL, "psnr", area="hole")
    whole, ssim = score(card, MODEL, "psnr"), score(card, MODEL, "ssim")
    against = [
        (f"against {LABELS[rival]}", f"{hole - score(card, rival, 'psnr', area='hole'):+.2f} dB", "PSNR over the hole")
        for rival in RIVALS
    ]
    return [
        ("PSNR", f"{whole:.2f} dB", f"{hole:.2f} dB over the hole"),
        ("SSIM", f"{ssim:.4f}", f"{score(card, MODEL, 'ssim', area='hole'):.4f} over the hole"),
        *against,
    ]
