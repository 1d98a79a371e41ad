"""Errors of a mapping whose `kind` is missing or wrong."""

import pytest
from pydantic import ValidationError

from rayfill.spec.loading.problems import first_problem
from rayfill.spec.masks import MaskMix


def problem(family: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as found:
        MaskMix.model_validate({"families": [family]})
    return first_problem(found.value, MaskMix)


def test_a_missing_kind_lists_the_kinds_that_there_are() -> None:
    sentence = problem({"weight": 1.0})
    assert sentence.startswith("families.0.kind: missing (allowed: centre, date, free_form, ")


def test_a_misspelt_kind_is_found() -> None:
    assert problem({"knd": "centre"}) == "families.0.knd: unknown key (did you mean 'kind'?)"


def test_an_unknown_kind_has_a_nearest_name() -> None:
    assert problem({"kind": "center"}) == "families.0.kind: unknown kind 'center' (did you mean 'centre'?)"
