"""Faults of store and network: transient ones are retried, others are raised at once."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rayfill.spec.errors import Failed, InputError
from rayfill.storage.retry import RetryPolicy
from rayfill.storage.s3 import PART, S3Store
from rayfill.storage.s3_client import client
from rayfill.storage.store import AlreadyExists
from tests.fault_proxy import Exchange, Fault, FaultProxy, altered, answer_lost, cut, error, reset, short, stalled

SOON = RetryPolicy(first_s=0.5, total_s=60, pause_s=0.02, longest_pause_s=0.1, silent_s=0.2)
HASTY = replace(SOON, read_s=0.3)
DATA = bytes(range(256)) * 40


@pytest.fixture
def store(s3_url: str, s3_faults: FaultProxy) -> S3Store:
    """A store with the object `a`, behind the proxy."""
    found = S3Store(s3_url, SOON)
    found.write("a", DATA)
    return found


PASSING = {
    "throttled": error(503, "SlowDown"),
    "too many requests": error(429, "TooManyRequests"),
    "broken": error(500, "InternalError"),
    "gateway without a word": error(502, ""),
    "too slow for the store": error(400, "RequestTimeout"),
    "reset": reset,
    "cut": cut,
    "short": short,
    "stalled": stalled(0.5),
    "answer lost": answer_lost,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_s3_store_retries_transient_errors(store: S3Store, s3_faults: FaultProxy, fault: Fault) -> None:
    s3_faults.fail(fault, times=2)
    assert S3Store(store.url, HASTY).read("a", 5, 1000) == DATA[5:1005]


def test_a_whole_object_that_comes_in_part_is_read_again(store: S3Store, s3_faults: FaultProxy) -> None:
    for fault in (cut, reset):
        s3_faults.fail(fault)
        assert store.read("a") == DATA


def test_bytes_that_were_altered_on_the_way_are_read_again(store: S3Store, s3_faults: FaultProxy) -> None:
    sent: list[str] = []

    def fault(exchange: Exchange) -> None:
        sent.extend(name.lower() for name, _ in exchange.headers)
        altered(exchange)

    s3_faults.fail(fault)
    found = store.read("a")
    if not any(name.startswith("x-amz-checksum-") for name in sent):
        pytest.skip("this store sends no checksum along; shards and samples have their own")
    assert found == DATA


def test_a_listing_that_breaks_off_goes_on(store: S3Store, s3_faults: FaultProxy) -> None:
    s3_faults.fail(cut)
    s3_faults.fail(error(503, "SlowDown"))
    assert [entry.key for entry in store.list()] == ["a"]
    s3_faults.fail(error(500, "InternalError"))
    assert store.exists("a")


def test_a_store_that_is_away_is_waited_for_and_that_is_said(
    store: S3Store, s3_faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    s3_faults.away(2)
    assert store.read("a") == DATA
    # Fetches of earlier tests may still be ending, and say so.
    (said,) = [record.message for record in caplog.records if record.message.startswith(f"{store.url}/a: no answer for ")]
    assert said.endswith("); waiting for up to 60 s")


def test_a_store_that_stays_away_is_given_up_with_its_name(store: S3Store, s3_faults: FaultProxy, s3_url: str) -> None:
    brief = S3Store(s3_url, RetryPolicy(total_s=0.5, pause_s=0.05))
    s3_faults.stop()
    began = time.monotonic()
    with pytest.raises(Failed, match=rf"{s3_url}/a: the connection to the store was lost and not restored in time \(\w+\)"):
        brief.read("a")
    assert 0.5 < time.monotonic() - began < 60


def test_a_store_that_is_busy_for_good_is_given_up(store: S3Store, s3_faults: FaultProxy, s3_url: str) -> None:
    s3_faults.fail(error(503, "SlowDown"), times=1000)
    with pytest.raises(Failed, match=rf"{s3_url}/a: the store was too busy or broken while it was waited for \(SlowDown\)"):
        S3Store(s3_url, RetryPolicy(total_s=0.3, pause_s=0.02)).read("a")


FINAL = {
    "RequestTimeTooSkewed": (403, "this machine's clock and the store's differ too much; set the clock"),
    "AccessDenied": (403, "these credentials may not do this here; correct them, or ask for the right"),
    "ExpiredToken": (400, "the store does not take this session token any more; get new credentials"),
    "IllegalLocationConstraintException": (400, "the bucket lies in another region; correct AWS_DEFAULT_REGION"),
}


@pytest.mark.parametrize("code", FINAL)
def test_s3_store_raises_permanent_errors_at_once(store: S3Store, s3_faults: FaultProxy, s3_url: str, code: str) -> None:
    status, sentence = FINAL[code]
    s3_faults.fail(error(status, code), times=2)
    with pytest.raises(InputError, match=rf"^{s3_url}/a: refused \({code}\): {sentence}"):
        store.read("a", 0, 10)
    assert [method for method, path, _ in s3_faults.seen if path.endswith("/a")] == ["PUT", "GET"]


def test_a_request_that_no_store_takes_is_said_at_once(store: S3Store, s3_faults: FaultProxy) -> None:
    s3_faults.fail(error(501, "NotImplemented"))
    with pytest.raises(Failed, match=r"/a: the store does not take this request \(NotImplemented\)"):
        store.read("a")


def test_the_store_itself_refuses_a_wrong_secret(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(
        InputError, match=r"refused \(SignatureDoesNotMatch\): the secret key is not that of the key id"
    ) as raised:
        store.read("a")
    assert "not-the-secret" not in str(raised.value)


def test_the_store_itself_refuses_an_unknown_key_id(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA0000000000000000")
    with pytest.raises(InputError, match=r"refused \(InvalidAccessKeyId\): the store does not know this key id"):
        store.read("a")


def test_an_impossible_bucket_name(store: S3Store) -> None:
    with pytest.raises(InputError, match="s3://no bucket/x/a: no bucket can have this name"):
        S3Store("s3://no bucket/x").read("a")


def test_a_conditional_write_whose_answer_was_lost_has_won_and_another_has_not(store: S3Store, s3_faults: FaultProxy) -> None:
    s3_faults.fail(answer_lost)
    store.write("seat", b"mine", if_absent=True)
    s3_faults.fail(answer_lost)
    with pytest.raises(AlreadyExists):
        store.write("seat", b"other", if_absent=True)
    assert store.read("seat") == b"mine"


def test_a_conflict_of_writers_is_tried_again_until_it_is_decided(store: S3Store, s3_faults: FaultProxy) -> None:
    store.write("seat", b"same")
    s3_faults.fail(error(409, "ConditionalRequestConflict"))
    with pytest.raises(AlreadyExists):
        store.write("seat", b"same", if_absent=True)


def test_a_large_object_comes_in_parts_at_once_whatever_happens(store: S3Store, s3_faults: FaultProxy, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * (3 * PART >> 20) + b"end"
    store.write("large", data)
    for fault in (reset, error(503, "SlowDown"), cut, stalled(0.5), short):
        s3_faults.fail(fault, only="large")
    S3Store(store.url, HASTY).download("large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == data
    assert {span for method, path, span in s3_faults.seen if path.endswith("large") and method == "GET"} == {
        f"bytes={start}-{min(start + PART, len(data)) - 1 if start else PART - 1}" for start in range(0, len(data), PART)
    }


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(
    store: S3Store, s3_faults: FaultProxy, tmp_path: Path
) -> None:
    store.write("large", bytes(PART) * 2)

    def replaced(exchange: Exchange) -> None:
        S3Store(store.url).write("large", b"x" * (2 * PART))
        exchange.answer()

    s3_faults.fail(replaced)
    with pytest.raises(Failed, match="large: this object was replaced while it was read"):
        S3Store(store.url).download("large", tmp_path / "large")
    assert not (tmp_path / "large").exists()


def test_a_large_file_goes_up_in_parts_over_a_bad_network(store: S3Store, s3_faults: FaultProxy, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * (2 * PART >> 20) + b"end"
    (tmp_path / "large").write_bytes(data)
    s3_faults.fail(error(503, "SlowDown"), only="partNumber=2")
    s3_faults.fail(answer_lost, only="partNumber=1")
    store.upload("large", tmp_path / "large")
    assert store.read("large") == data


def test_an_empty_object_is_copied(store: S3Store, tmp_path: Path) -> None:
    store.write("empty", b"")
    store.download("empty", tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""


def test_addressing_follows_the_aws_configuration(store: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link() -> str:
        made: str = client(SOON).generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
        return made.partition("?")[0]

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example:9000")
    assert link() == "http://store.example:9000/bucket/k"
    (tmp_path / "config").write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert link() == "http://bucket.store.example:9000/k"
