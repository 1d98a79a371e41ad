"""Processes of one node share its shard cache: a shard is fetched once; a killed process blocks no other."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from rayfill.data.dataset import Dataset, open_dataset
from rayfill.data.ingest.pipeline import ingest, run_inline
from rayfill.data.shards.cache import ShardCache
from rayfill.spec.dataset import IngestSpec, Shard
from rayfill.storage.s3 import S3Store
from tests.fault_proxy import Exchange, FaultProxy

# A process that reads all samples, as a training does, and waits for the copies behind them.
READS = """
import hashlib, sys
from pathlib import Path
from rayfill.data.dataset import open_dataset
from rayfill.data.shards.cache import ShardCache

dataset = open_dataset(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
read = hashlib.sha256()
for shard in dataset.shards("train"):
    for number in range(shard.samples):
        read.update(dataset.reader.read(shard, number)[1])
    ShardCache(Path(sys.argv[2])).fetch(dataset.shard_store, shard).close()
print(read.hexdigest(), flush=True)
"""

# A process that fetches the first shard in parts so small that several of them make half of it.
PART = 4096
FETCHES = """
import sys
from pathlib import Path
from rayfill.storage import s3 as s3_store
from rayfill.data.dataset import open_dataset
from rayfill.data.shards.cache import ShardCache

s3_store.PART = int(sys.argv[3])
dataset = open_dataset(sys.argv[1], Path(sys.argv[2]))
ShardCache(Path(sys.argv[2])).fetch(dataset.shard_store, dataset.shards("train")[0])
"""


def begin(program: str, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def contents(dataset: Dataset) -> str:
    """The digest of all samples, as the store itself has them."""
    read = sha256()
    for shard in dataset.shards("train"):
        data = dataset.store.read(shard.path)
        for start, length in dataset.reader.index(shard).spans.tolist():
            read.update(data[start : start + length])
    return read.hexdigest()


def test_two_processes_fetch_each_shard_once_and_read_the_same(
    tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str
) -> None:
    spec = IngestSpec(val_share=0, shard_mib=0.01, near_bits=0)
    ingest(str(make_photographs(tmp_path / "photographs", 30)), s3_url, spec, run_inline)
    dataset, cache = open_dataset(s3_url, tmp_path / "unused"), tmp_path / "cache"
    wanted, shards = contents(dataset), dataset.shards("train")
    assert len(shards) >= 5
    processes = [begin(READS, s3_url, str(cache)) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    s3_faults.seen.clear()
    said = [""] * 2

    def go_on(number: int) -> None:
        said[number] = processes[number].communicate("go\n", timeout=200)[0]

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [f"{wanted}\n"] * 2
    # A sample that is read by itself begins behind its tar header.
    whole = Counter(path.rpartition("/")[2] for _, path, span in s3_faults.seen if span.startswith("bytes=0-"))
    assert whole == {Path(shard.path).name: 1 for shard in shards}
    assert {path.name for path in cache.glob("*.*") if path.suffix != ".lock"} == {f"{shard.sha256}.tar" for shard in shards}


@pytest.fixture
def distant(tmp_path: Path, make_photographs: Callable[..., Path], s3_faults: FaultProxy, s3_url: str) -> Dataset:
    """A dataset of one shard of many parts on S3, behind the proxy."""
    source = make_photographs(tmp_path / "photographs", 60)
    manifest = ingest(str(source), s3_url, IngestSpec(val_share=0, near_bits=0), run_inline).manifest
    assert manifest.shards[0].bytes > 20 * PART
    return Dataset(S3Store(s3_url), manifest, tmp_path / "cache")


@pytest.fixture
def half_fetched(distant: Dataset, s3_faults: FaultProxy, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that has about half of the shard's bytes in the cache, and gets no more of them."""
    shard, go_on = distant.shards("train")[0], threading.Event()
    whole = distant.store.read(shard.path)

    def stalled(exchange: Exchange) -> None:
        if int(exchange.request.headers["Range"].removeprefix("bytes=").partition("-")[0]) < shard.bytes // 2:
            exchange.answer()
            return
        go_on.wait(200)
        exchange.request.close_connection = True

    s3_faults.fail(stalled, times=shard.bytes // PART + 1, only=".tar")
    process = begin(FETCHES, distant.store.url, str(tmp_path / "cache"), str(PART))
    arriving = tmp_path / "cache" / f"{shard.sha256}.arriving"
    while not arriving.exists() or arriving.read_bytes()[: shard.bytes // 3] != whole[: shard.bytes // 3]:
        assert process.poll() is None
        time.sleep(0.02)
    assert arriving.stat().st_size == shard.bytes, "it looks as if it were whole"
    assert arriving.read_bytes() != whole
    yield process
    process.kill()
    process.wait()
    go_on.set()


def is_whole_and_alone(cache: Path, shard: Shard, data: bytes) -> None:
    assert [path.name for path in cache.iterdir() if path.suffix != ".lock"] == [f"{shard.sha256}.tar"]
    assert (cache / f"{shard.sha256}.tar").read_bytes() == data


def test_partial_download_of_a_killed_process_is_never_read_(
    half_fetched: "subprocess.Popen[str]", distant: Dataset, s3_faults: FaultProxy, tmp_path: Path
) -> None:
    half_fetched.kill()
    half_fetched.wait()
    s3_faults.heal()
    shard, cache = distant.shards("train")[0], tmp_path / "cache"
    assert ShardCache(cache).open(shard) is None
    whole = distant.store.read(shard.path)
    for number, (start, length) in enumerate(distant.reader.index(shard).spans.tolist()):
        assert distant.reader.read(shard, number)[1] == whole[start : start + length]
    ShardCache(cache).fetch(distant.store, shard).close()
    is_whole_and_alone(cache, shard, whole)


def test_partial_download_of_a_killed_process_takes_no_room(
    half_fetched: "subprocess.Popen[str]", distant: Dataset, s3_faults: FaultProxy, tmp_path: Path
) -> None:
    half_fetched.kill()
    half_fetched.wait()
    s3_faults.heal()
    shard = distant.shards("train")[0]
    with ShardCache(tmp_path / "cache", limit=shard.bytes).fetch(distant.store, shard) as file:
        is_whole_and_alone(tmp_path / "cache", shard, file.read())


def test_process_that_waits_for_a_killed_one_fetches_the_shard_itself(
    half_fetched: "subprocess.Popen[str]", distant: Dataset, s3_faults: FaultProxy, tmp_path: Path
) -> None:
    shard = distant.shards("train")[0]
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(ShardCache(tmp_path / "cache").fetch, distant.store, shard)
        time.sleep(0.2)
        assert not waits.done()
        s3_faults.heal()
        half_fetched.kill()
        with waits.result(200) as file:
            is_whole_and_alone(tmp_path / "cache", shard, file.read())
