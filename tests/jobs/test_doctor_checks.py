"""rayfill doctor reports each fault in a sentence that says what to do."""

import shutil
import sys
from collections import namedtuple
from importlib import metadata

import pytest

from jobs import doctor_checks as doctor
from rayfill.spec.errors import Failed

Version = namedtuple("Version", "major minor micro")
Usage = namedtuple("Usage", "total used free")


def test_an_untested_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", Version(3, 9, 1))
    with pytest.raises(Failed, match=r"Python 3\.9; tested are 3\.11 and 3\.12"):
        doctor.check_python()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "optuna":
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(Failed, match="package optuna is missing; run make setup"):
        doctor.check_packages()


def test_a_torchvision_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Misfit:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "torchvision.ops":
                raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, "torchvision.ops", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Misfit(), *sys.meta_path])
    with pytest.raises(Failed, match="torchvision does not fit torch .*; run make setup"):
        doctor.check_packages()


def test_too_little_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 3 * 2**30))
    with pytest.raises(Failed, match=r"3\.0 GiB free here; 5 are wanted"):
        doctor.check_disk()
