"""A job gets what git tracks, or a wheel, or nothing; never what merely lies about."""

import subprocess
import zipfile
from pathlib import Path

import pytest

import rayfill
from rayfill.cluster import code_delivery
from rayfill.cluster.code_delivery import find_code, staged
from rayfill.spec.errors import InputError


def git(checkout: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(checkout), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a change that is not committed, an untracked and an ignored file, and one that was deleted."""
    files = {
        "pyproject.toml": "",
        "platform/rayfill/__init__.py": "",
        "platform/rayfill/deep/net.py": "old",
        "platform/rayfill/gone.py": "",
        "jobs/cli.py": "",
        "serving/app.py": "",
        "tests/test_it.py": "",
        ".gitignore": "*.secret\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "all")
    (tmp_path / "platform/rayfill/deep/net.py").write_text("new")
    (tmp_path / "platform/rayfill/gone.py").unlink()
    (tmp_path / "jobs/scratch.py").write_text("")
    (tmp_path / "jobs/aws.secret").write_text("hush")
    monkeypatch.setattr(rayfill, "__file__", str(tmp_path / "platform/rayfill/__init__.py"))
    return tmp_path


def test_exactly_the_tracked_files_of_the_packages_are_sent_as_they_are_now(checkout: Path) -> None:
    code = find_code(None)
    assert code.kind == "checkout"
    assert set(code.files) == {"rayfill/__init__.py", "rayfill/deep/net.py", "jobs/cli.py", "serving/app.py"}
    assert code.untracked == ("jobs/scratch.py",)
    with staged(code) as packages:
        assert [Path(package).name for package in packages] == ["rayfill", "jobs", "serving"]
        sent = {str(p.relative_to(Path(packages[0]).parent)) for p in Path(packages[0]).parent.rglob("*") if p.is_file()}
        assert sent == set(code.files)
        assert Path(packages[0], "deep/net.py").read_text() == "new"
    assert not Path(packages[0]).exists()


def test_too_much_code_is_refused_with_the_largest_files(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_delivery, "MOST_BYTES", 2 * 2**20)
    (checkout / "jobs/weights.bin").write_bytes(bytes(3 * 2**20))
    git(checkout, "add", "jobs/weights.bin")
    expected = r"3 MiB of code would be sent to every machine; allowed are 2; the largest: jobs/weights\.bin 3\.0 MiB"
    with pytest.raises(InputError, match=expected):
        find_code(None)


def test_a_checkout_without_git_is_refused_with_the_two_other_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rayfill, "__file__", str(tmp_path / "platform/rayfill/__init__.py"))
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="give --code image, or the path of a wheel"):
        find_code(None)


def test_an_installed_wheel_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rayfill, "__file__", str(tmp_path / "lib/site-packages/rayfill/__init__.py"))
    code = find_code(None)
    assert code.describe() == "nothing: the cluster's image has the code"
    with staged(code) as packages:
        assert packages == []


def test_a_wheel_is_sent_without_its_metadata(tmp_path: Path) -> None:
    wheel = tmp_path / "rayfill-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as zipped:
        for name in ("rayfill/__init__.py", "jobs/cli.py", "rayfill-1.dist-info/METADATA"):
            zipped.writestr(name, "x")
    code = find_code(str(wheel))
    assert (code.kind, code.bytes) == ("wheel", 2)
    with staged(code) as packages:
        assert [Path(package).name for package in packages] == ["rayfill", "jobs"]
        assert Path(packages[1], "cli.py").read_text() == "x"


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [("chekout", r"unknown 'chekout' \(did you mean 'checkout'\?\)"), ("none.whl", "no wheel can be read there")],
)
def test_another_word_is_refused(choice: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        find_code(choice)
