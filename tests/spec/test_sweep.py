"""A sweep's space is checked before anything runs."""

from pathlib import Path

import pytest

from rayfill.spec.document import load_spec
from rayfill.spec.errors import InputError
from rayfill.spec.sweep import Sweep

SWEEP = """
name: bases
base: ../recipes/gdn.yaml
space:
  system.options.weight_map.base: {kind: float, low: 2, high: 100, log: true}
objectives: [{metric: psnr, direction: maximize}]
budget: {trials: 8}
seed: 0
"""


def load(tmp_path: Path, text: str) -> Sweep:
    (tmp_path / "s.yaml").write_text(text)
    return load_spec(tmp_path / "s.yaml", Sweep)


def test_a_sweep_loads(tmp_path: Path) -> None:
    assert load(tmp_path, SWEEP).budget.trials == 8


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("low: 2", "low: 200", "the range is empty: low 200.0 is not below high 100.0"),
        ("low: 2", "low: 0", "a logarithmic range needs low above 0"),
        ("kind: float", "kind: flaot", "unknown kind 'flaot' (did you mean 'float'?)"),
        ("maximize", "maximise", "input should be 'maximize' or 'minimize'"),
    ],
)
def test_an_impossible_space_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, SWEEP.replace(old, new))
    assert sentence in str(caught.value)
