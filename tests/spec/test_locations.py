"""One layout under one root, and names that cannot leave it."""

from pathlib import Path

import pytest

from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations, as_url, check_name


def test_a_plain_dataset_name_lies_under_the_root_and_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    places = Locations(str(tmp_path))
    assert places.dataset("photos") == f"file://{tmp_path}/datasets/photos"
    assert places.dataset("s3://bucket/photos/") == "s3://bucket/photos"
    assert places.dataset(f"{tmp_path}/elsewhere") == f"file://{tmp_path}/elsewhere"


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 129, "a\n"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="a name is 1-128 letters, digits"):
        check_name(name, "run")


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(InputError, match="unknown scheme; allowed are file:// and s3://"):
        as_url("gs://bucket/x")


def test_a_bucketless_s3_url_is_refused() -> None:
    with pytest.raises(InputError, match="not an S3 URL"):
        as_url("s3:///x")
