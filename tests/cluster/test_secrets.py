"""Secrets come from where node.yaml says into this process, and into no sentence."""

import os
from pathlib import Path

import pytest

from rayfill.cluster.secrets import HOOK, load_secrets
from rayfill.spec import node
from rayfill.spec.errors import InputError


@pytest.fixture
def node_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "node.yaml"
    monkeypatch.setattr(node, "NODE_FILES", (file,))
    for name in ("MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "set, so that it is put back after the test")
        monkeypatch.delenv(name)
    return file


def test_secrets_are_read_from_files_and_other_variables(
    node_yaml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("hush\n")
    monkeypatch.setenv("VAULT_ANSWER", "quiet")
    node_yaml.write_text(
        f"secrets:\n  AWS_SECRET_ACCESS_KEY: {{file: {tmp_path}/key}}\n"
        "  MLFLOW_TRACKING_PASSWORD: {environment: VAULT_ANSWER}\n"
    )
    assert load_secrets() == ["AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD"]
    assert (os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("hush", "quiet")


def test_what_a_process_has_already_is_left_alone(node_yaml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    node_yaml.write_text("secrets:\n  AWS_SECRET_ACCESS_KEY: {file: /nowhere}\n")
    load_secrets()
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "own"


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("{file: /nowhere/key}", "secrets.AWS_SECRET_ACCESS_KEY: /nowhere/key cannot be read: No such file or directory"),
        ("{environment: NOT_SET_ANYWHERE}", "the environment variable NOT_SET_ANYWHERE is not set on this machine"),
        ("{file: hush}", "secrets.AWS_SECRET_ACCESS_KEY: a file is named by its absolute path"),
        ("{environment: hush}", "a variable by capitals"),
        ("{}", "name one place, as {file: /absolute/path} or {environment: NAME}"),
        ("hush", "secrets.AWS_SECRET_ACCESS_KEY: name one place"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(node_yaml: Path, reference: str, sentence: str) -> None:
    node_yaml.write_text(f"secrets:\n  AWS_SECRET_ACCESS_KEY: {reference}\n")
    with pytest.raises(InputError, match=sentence) as caught:
        load_secrets()
    assert "hush" not in str(caught.value)


def test_a_machine_without_secrets_has_none(node_yaml: Path) -> None:
    assert load_secrets() == []


def test_ray_finds_the_hook_by_its_name() -> None:
    module, _, function = HOOK.rpartition(".")
    assert (module, function) == (load_secrets.__module__, load_secrets.__name__)
