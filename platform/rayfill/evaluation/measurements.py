"""Every number behind a scorecard, photograph by photograph: what two models are compared by, pair by pair.

Stored beside the scorecard as NumPy's .npz without pickle. 100 photographs, six buckets and six methods take about 300 kB.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from rayfill.evaluation.measured import PAIR, Measured
from rayfill.evaluation.metrics import Area, Form
from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError

Float64 = npt.NDArray[np.float64]


class Column(Spec):
    """Which number: of which method and form, by which metric, on which pixels."""

    method: str
    form: Form
    metric: str
    area: Area


class _Header(Spec):
    format: str
    photographs: tuple[str, ...]
    buckets: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: dict[str, tuple[tuple[str, ...], ...]]


FORMAT = "rayfill-measurements-1"


@dataclass(frozen=True)
class Measurements:
    """All values of one model and of the baselines under one protocol.

    Attributes:
        photographs: ids, in the protocol's order.
        buckets: in the protocol's order.
        columns: what is measured; those of the method `pair` describe photograph and mask.
        values: (columns, buckets, photographs), NaN where a metric is not defined.
        labels: words that photographs and masks are sliced by, such as the mask's family: by name (buckets, photographs).
    """

    photographs: tuple[str, ...]
    buckets: tuple[str, ...]
    columns: tuple[Column, ...]
    values: Float64
    labels: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    def of(self, column: Column) -> Float64 | None:
        """(buckets, photographs) of one column, or None."""
        return self.values[self.columns.index(column)] if column in self.columns else None

    def attributes(self) -> dict[str, Float64]:
        """(buckets, photographs) by name: numbers that describe photograph and mask."""
        return {c.metric: self.values[i] for i, c in enumerate(self.columns) if c.method == PAIR}

    def digest(self) -> str:
        """SHA-256 over names and values, whatever the file's compression."""
        found = hashlib.sha256(self._header().canonical().encode())
        found.update(np.ascontiguousarray(self.values, "<f8").tobytes())
        return found.hexdigest()

    def to_bytes(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        header = np.frombuffer(self._header().canonical().encode(), np.uint8)
        np.savez_compressed(file, header=header, values=self.values)
        return file.getvalue()

    def _header(self) -> _Header:
        return _Header(
            format=FORMAT,
            photographs=self.photographs,
            buckets=self.buckets,
            columns=self.columns,
            labels={name: tuple(rows) for name, rows in self.labels.items()},
        )


def read_measurements(data: bytes, place: str) -> Measurements:
    """Measurements from their file; InputError names `place` if it is none."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            header = _Header.model_validate_json(arrays["header"].tobytes())
            values = np.asarray(arrays["values"], np.float64)
    except (ValidationError, ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{place}: not a file of measurements, or it was cut short") from None
    if values.shape != (len(header.columns), len(header.buckets), len(header.photographs)):
        raise InputError(f"{place}: its values {values.shape} are not those that its header names")
    return Measurements(header.photographs, header.buckets, header.columns, values, header.labels)


def collect(
    measured: Iterable[Measured],
    photographs: Sequence[str],
    buckets: Sequence[str],
    labels: Mapping[str, tuple[tuple[str, ...], ...]],
) -> Measurements:
    """What was measured, in any order, as one array; columns are sorted by name."""
    found = list(measured)
    keys = sorted({(m.method, m.form, *key) for m in found for key in m.values})
    number = {key: i for i, key in enumerate(keys)}
    row = {bucket: i for i, bucket in enumerate(buckets)}
    values = np.full((len(keys), len(buckets), len(photographs)), np.nan)
    for one in found:
        for (metric, area), value in one.values.items():
            values[number[one.method, one.form, metric, area], row[one.bucket], one.image] = value
    columns = tuple(Column(method=m, form=f, metric=name, area=area) for m, f, name, area in keys)
    return Measurements(tuple(photographs), tuple(buckets), columns, values, labels)
