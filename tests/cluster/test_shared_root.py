"""A root that is a folder is told from another machine's folder of the same path."""

from pathlib import Path

import pytest

from rayfill.cluster.shared_root import check_root, mark_root
from rayfill.spec.errors import InputError


def test_the_same_folder_is_recognized_and_another_of_its_path_is_refused(tmp_path: Path) -> None:
    root = f"file://{tmp_path}/root"
    number = mark_root(root)
    assert number is not None
    assert mark_root(root) == number
    check_root(root, number)
    with pytest.raises(InputError, match="the cluster does not see this folder of the machine where the command was typed"):
        check_root(root, "of another machine")


def test_a_root_that_is_not_there_on_the_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not see this folder"):
        check_root(f"file://{tmp_path}/none", "0" * 32)


def test_buckets_and_paths_of_the_cluster_alone_have_no_number(tmp_path: Path) -> None:
    assert mark_root("s3://bucket/x") is None
    assert mark_root(f"file://{tmp_path}/not/here") is None
    assert not (tmp_path / "not").exists()
