"""The demo, as a new user runs it: the whole life of a model, and a picture at the end."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.cli import main
from jobs.demo.photographs import photographs
from jobs.demo.picture import GAP, SHOWN


@pytest.mark.timeout(900)
def test_the_demo_carries_photographs_through_the_whole_life_of_a_model(
    ray_cluster: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--for", "15s", "--root", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr().out
    result = json.loads(said.splitlines()[-1])
    assert result["model"] == "demo/1"
    assert "telea" in said, "the table has the classical methods"
    # So short a training may or may not beat the classical methods; what the gate said is what happened and what is told.
    assert result["served"] == ("demo/1" if result["refusal"] else "demo@champion")
    assert ("not promoted" in said) == bool(result["refusal"])
    assert main(["models", "--root", str(tmp_path)]) == 0
    assert ("champion" in capsys.readouterr().out) == (result["refusal"] is None)

    picture = np.asarray(Image.open(result["picture"]))
    photograph = np.asarray(Image.open(next(p for p in photographs() if p.name == SHOWN)))
    width = photograph.shape[1]
    before, after, target = (picture[:, i * (width + GAP) : i * (width + GAP) + width] for i in range(3))
    assert np.array_equal(target, photograph)
    hole = (before != photograph).any(-1)
    assert 0.05 < hole.mean() < 0.3
    assert np.array_equal(after[~hole], photograph[~hole])
    assert (after[hole] != before[hole]).any(-1).mean() > 0.9, "the holes are filled"
    assert "<html" in Path(result["report"]).read_text()

    # The first champion had no one before it, so there is nothing to go back to.
    assert main(["rollback", "demo", "--root", str(tmp_path), "--why", "a try"]) == 2
