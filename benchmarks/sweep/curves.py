"""The table of learning curves: a JSON file with a line a curve, so that more can be added and a diff can be read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from rayfill.spec.base import Spec
from rayfill.spec.dataset import Sha256
from rayfill.spec.errors import InputError
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.sweep_space import Scalar


class Curve(Spec):
    """One training: a configuration, and what it reached."""

    params: dict[str, Scalar] = Field(description="as a study's trial holds them: choices by their labels")
    seed: int = Field(description="training.seed; 0 is the design, others repeat some of it")
    metric: tuple[float, ...] = Field(description="hole PSNR in dB at the table's rungs; fewer where the training diverged")
    cpu_s: float = Field(gt=0, description="CPU seconds of all its steps, loading included and measuring not")
    exam_cpu_s: float = Field(ge=0, description="CPU seconds of measuring at the rungs")
    steps: int = Field(ge=1)


class Source(Spec):
    """What every curve of a table has in common."""

    format: Literal["rayfill-curves-1"]
    sweep: Sha256 = Field(description="digest of the sweep's base recipe and space")
    dataset: Sha256
    protocol: Sha256
    rungs: tuple[int, ...] = Field(min_length=1, description="steps, the last one is the recipe's last")


class Table(Spec):
    """All curves of one source."""

    source: Source
    curves: tuple[Curve, ...]

    @property
    def design(self) -> tuple[Curve, ...]:
        """The curves of the design that came to their end."""
        return tuple(c for c in self.curves if c.seed == 0 and len(c.metric) == len(self.source.rungs))

    def repeats(self) -> list[list[Curve]]:
        """Curves of one configuration with several seeds, the design's among them; a list a configuration."""
        groups: dict[str, list[Curve]] = {}
        for curve in self.curves:
            if len(curve.metric) == len(self.source.rungs):
                groups.setdefault(json.dumps(curve.params, sort_keys=True), []).append(curve)
        return [group for group in groups.values() if len(group) > 1]


def read_table(path: Path) -> Table:
    """The table in a file; InputError names the file and what is wrong with it."""
    try:
        return Table.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; `python -m benchmarks.sweep.collect` makes it") from None
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, Table)}") from None


def write_table(path: Path, source: Source, curves: Sequence[Curve]) -> None:
    """Replace the file by a whole new one, so that a reader or a kill never finds half a table."""
    lines = ",\n".join(curve.model_dump_json() for curve in curves)
    beside = path.with_suffix(".new")
    beside.write_text(f'{{"source": {source.model_dump_json()},\n"curves": [\n{lines}\n]}}\n')
    beside.replace(path)
