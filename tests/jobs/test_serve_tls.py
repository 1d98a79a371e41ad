"""`rayfill serve` refuses a certificate that cannot be used before anything starts."""

from pathlib import Path

import pytest

from jobs.cli import main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tls-cert", "{}/cert.pem"], "--tls-cert and --tls-key: HTTPS needs both"),
        (["--tls-cert", "{}/none.pem", "--tls-key", "{}/key.pem"], "none.pem: no such file"),
        (["--tls-cert", "{}/cert.pem", "--tls-key", "{}/key.pem"], "they do not fit each other"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("no certificate")
    assert main(["serve", "--root", str(tmp_path), *(word.format(tmp_path) for word in words)]) == 2
    assert sentence in capsys.readouterr().err
