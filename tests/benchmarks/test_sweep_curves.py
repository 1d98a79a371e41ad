"""The sweep benchmark's table of curves: it is read, continued and refused as a whole."""

from pathlib import Path

import pytest

from benchmarks.sweep.collect import CURVES, RUNGS, SWEEP, Searched, to_repeat
from benchmarks.sweep.curves import Curve, Source, Table, read_table, write_table
from benchmarks.sweep.design import design
from rayfill.spec.errors import InputError
from rayfill.spec.sweep_file import read_sweep
from rayfill.tuning.search.space import Space

SOURCE = Source(format="rayfill-curves-1", sweep="0" * 64, dataset="1" * 64, protocol="2" * 64, rungs=(10, 20))


def curve(width: int, seed: int, *metric: float) -> Curve:
    return Curve(params={"width": width}, seed=seed, metric=metric, cpu_s=2.0, exam_cpu_s=0.1, steps=20)


def test_a_table_that_was_written_is_read_again_and_a_line_is_a_curve(tmp_path: Path) -> None:
    curves = (curve(4, 0, 9.0, 12.5), curve(8, 0, 10.0, 13.0))
    path = tmp_path / "curves.json"
    write_table(path, SOURCE, curves)
    assert read_table(path) == Table(source=SOURCE, curves=curves)
    assert sum('"params"' in line for line in path.read_text().splitlines()) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; `python -m benchmarks.sweep.collect` makes it"):
        read_table(tmp_path / "curves.json")
    (tmp_path / "curves.json").write_text('{"source": {"format": "rayfill-curves-9"}}')
    with pytest.raises(InputError, match=r"curves.json: source.format: "):
        read_table(tmp_path / "curves.json")


def test_curves_that_ended_early_are_neither_design_nor_repeats() -> None:
    diverged = curve(4, 0, 9.0)
    table = Table(source=SOURCE, curves=(diverged, curve(8, 0, 9.0, 10.0), curve(8, 1, 9.0, 10.4), curve(4, 1, 9.0, 9.0)))
    assert [c.params["width"] for c in table.design] == [8]
    assert [[c.seed for c in group] for group in table.repeats()] == [[0, 1]]


def test_the_best_are_repeated_and_others_from_best_to_worst() -> None:
    table = Table(source=SOURCE, curves=tuple(curve(i, 0, 0.0, float(i)) for i in range(30)))
    asked = list(to_repeat(table, seeds=2))
    assert [params["width"] for params, seed in asked if seed == 1] == [29, 28, 27, 26, 17, 8]
    assert [params for params, seed in asked if seed == 2] == [params for params, seed in asked if seed == 1]


def test_every_point_of_the_design_is_a_point_of_the_space_and_dead_keys_are_left_out() -> None:
    file = read_sweep(SWEEP)
    space, points = Space(file.sweep, file.bases), design(file.sweep.space, 64, seed=0)
    assert all(space.fits(point) for point in points)
    assert {len(point) for point in points} == {6, 7, 8}
    assert design(file.sweep.space, 16, seed=0) == points[:16]
    assert {point["system.options.generator.width"] for point in points} == {4, 8, 12, 16}


def test_the_shipped_curves_are_of_the_shipped_space() -> None:
    file, table = read_sweep(SWEEP), read_table(CURVES)
    (base,) = file.bases.values()
    assert table.source.sweep == Searched(recipe=base, space=file.sweep.space).digest()
    assert table.source.rungs == RUNGS
    assert RUNGS[-1] == base.steps
    points = design(file.sweep.space, len(table.design), seed=file.sweep.seed)
    assert [c.params for c in table.design] == points
    assert CURVES.stat().st_size < 300_000
