"""Collect the code that a job gets: what git tracks of the packages, a built wheel, or nothing where the image has it.

Only the packages that a wheel holds are sent. Ray names an upload after its content, so the same code travels once.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import rayfill
from rayfill.spec.errors import InputError, nearest

PACKAGES = {"rayfill": "platform/rayfill", "jobs": "jobs", "serving": "serving"}
"""The packages of the wheel, and where they lie in a checkout."""

MOST_BYTES = 50 * 2**20
"""Of code. It is some 1 MB; what is more has slipped in, and every machine of the cluster would fetch it."""
SHOWN = 5
"""Files that a refusal lists."""

CHECKOUT, IMAGE = "checkout", "image"


@dataclass(frozen=True, slots=True)
class Code:
    """Files to send, by their path in the wheel; none where the cluster's image has the code.

    Attributes:
        kind: checkout, wheel or image.
        files: where each lies on this machine.
        untracked: files of a checkout's packages that git does not track and that are therefore not sent.
        wheel: that the files are taken from.
    """

    kind: str
    files: dict[str, Path]
    untracked: tuple[str, ...] = ()
    wheel: Path | None = None

    @property
    def bytes(self) -> int:
        """Of all files, before they are compressed."""
        return sum(size for _, size in self.largest())

    def largest(self) -> list[tuple[str, int]]:
        """Every file with its size in bytes, the largest first."""
        if self.wheel:
            with zipfile.ZipFile(self.wheel) as zipped:
                sizes = [(one.filename, one.file_size) for one in zipped.infolist() if one.filename in self.files]
        else:
            sizes = [(name, path.stat().st_size) for name, path in self.files.items()]
        return sorted(sizes, key=lambda one: (-one[1], one[0]))

    def describe(self) -> str:
        """One line for a person."""
        if self.kind == IMAGE:
            return "nothing: the cluster's image has the code"
        return f"{len(self.files)} files of the {self.kind}, {self.bytes / 2**20:.1f} MiB"


def find_code(choice: str | None) -> Code:
    """What `--code` names: ``checkout``, ``image`` or the path of a built wheel.

    Args:
        choice: None for this process's own code: the checkout that it runs from, else the image.

    Raises:
        InputError: there is no such checkout or wheel, or its files are too large to be sent.
    """
    checkout = Path(rayfill.__file__).parents[2]
    if choice is None:
        choice = CHECKOUT if (checkout / "pyproject.toml").exists() else IMAGE
    if choice == IMAGE:
        return Code(IMAGE, {})
    if choice == CHECKOUT:
        code = _of_checkout(checkout)
    elif choice.endswith(".whl"):
        code = _of_wheel(Path(choice))
    else:
        raise InputError(f"--code: unknown '{choice}'{nearest(choice, [CHECKOUT, IMAGE])}, or the path of a .whl")
    if code.bytes > MOST_BYTES:
        listed = ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in code.largest()[:SHOWN])
        raise InputError(
            f"--code {choice}: {code.bytes / 2**20:.0f} MiB of code would be sent to every machine; allowed are "
            f"{MOST_BYTES // 2**20}; the largest: {listed}. Take them out of git, or give --code image"
        )
    return code


@contextmanager
def staged(code: Code) -> Iterator[list[str]]:
    """Folders of the packages to send, one each, for the length of the block; none where nothing is sent."""
    with TemporaryDirectory(prefix="rayfill-code-") as folder:
        if code.wheel:
            with zipfile.ZipFile(code.wheel) as zipped:
                zipped.extractall(folder, members=list(code.files))
        else:
            for name, path in code.files.items():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        yield [str(path) for package in PACKAGES if (path := Path(folder, package)).is_dir()]


def _of_checkout(checkout: Path) -> Code:
    files: dict[str, Path] = {}
    untracked: list[str] = []
    for package, place in PACKAGES.items():
        for path in _git(checkout, "ls-files", "-z", "--", place):
            if (checkout / path).is_file():  # not what was deleted since
                files[f"{package}{path.removeprefix(place)}"] = checkout / path
        untracked += _git(checkout, "ls-files", "-z", "--others", "--exclude-standard", "--", place)
    return Code(CHECKOUT, files, tuple(untracked))


def _git(checkout: Path, *words: str) -> list[str]:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            f"--code checkout: git does not tell which files of {checkout} it tracks; give --code image, or the path of a wheel"
        ) from None
    return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]


def _of_wheel(path: Path) -> Code:
    try:
        with zipfile.ZipFile(path) as zipped:
            names = [name for name in zipped.namelist() if not name.endswith("/")]
    except (OSError, zipfile.BadZipFile):
        raise InputError(f"--code {path}: no wheel can be read there") from None
    ours = [name for name in names if PurePosixPath(name).parts[0] in PACKAGES]
    if "rayfill/__init__.py" not in ours:
        raise InputError(f"--code {path}: that wheel does not hold rayfill; build one with 'uv build --wheel'")
    return Code("wheel", dict.fromkeys(ours, path), wheel=path)
