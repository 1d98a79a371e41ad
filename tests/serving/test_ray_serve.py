"""The real thing: Ray Serve up, many at once, and down again."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest
import ray
import requests
from PIL import Image

from rayfill.cluster.header_timeout import HEADERS_S
from rayfill.registry.mlflow_place import client, mlflow_place
from rayfill.registry.register import register
from rayfill.spec.errors import InputError
from rayfill.spec.locations import Locations
from rayfill.spec.model import ModelCard
from serving.start import Serving, start_serving

Pixels = npt.NDArray[np.uint8]
Encode = Callable[..., bytes]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., ModelCard]) -> ModelCard:
    return make_model(tmp_path_factory.getbasetemp() / "served-model", name="tiny", run="tiny-1")


@pytest.fixture(scope="module")
def server(
    ray_cluster: None, card: ModelCard, make_model: Callable[..., ModelCard], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """Version 1 of a tiny model behind Ray Serve. Module-wide, not longer: it holds CPUs that other tests need."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        locations = Locations(str(root))
        assert register(tmp_path_factory.getbasetemp() / "served-model", locations) == 1
        registry = client(mlflow_place(locations))
        registry.set_registered_model_alias("tiny", "live", "1")
        serving = start_serving("tiny@live", f"file://{root}", "127.0.0.1", free_port(), replicas=1)
        make_model(root / "second", name="tiny", run="tiny-2", seed=1)
        assert register(root / "second", locations) == 2
        registry.set_registered_model_alias("tiny", "live", "2")
    yield serving
    serving.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{serving.url}/healthz", timeout=10)


@pytest.fixture(scope="module")
def silent(server: Serving) -> Iterator[list[socket.socket]]:
    """A hundred connections that begin a request and do not finish its headers, opened before the other tests."""
    port = int(server.url.rpartition(":")[2])
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for connection in opened:
        connection.sendall(b"POST /v1/inpaint HTTP/1.1\r\nHost: x")
    yield opened
    for connection in opened:
        connection.close()


def post(server: Serving, image: bytes, mask: bytes) -> requests.Response:
    return requests.post(f"{server.url}/v1/inpaint", files={"image": image, "mask": mask}, timeout=120)


def pixels_of(answer: requests.Response) -> Pixels:
    assert answer.status_code == 200, answer.text[:200]
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.usefixtures("silent")
def test_models_route_names_the_served_model(server: Serving, card: ModelCard) -> None:
    (model,) = requests.get(f"{server.url}/v1/models", timeout=60).json()["models"]
    assert (model["name"], model["version"], model["digest"]) == ("tiny", "1", card.weights_sha256)
    health = requests.get(f"{server.url}/healthz", timeout=60)
    assert health.status_code == 200
    assert health.json() == {"status": "ok", "model": model, "last_error": None}
    assert requests.get(f"{server.url}/", timeout=60).headers["Content-Type"].startswith("text/html")


def test_the_interface_is_described(server: Serving) -> None:
    described = requests.get(f"{server.url}/openapi.json", timeout=60).json()
    assert set(described["paths"]) == {"/v1/inpaint", "/v1/models", "/healthz"}
    assert set(described["paths"]["/v1/inpaint"]["post"]["responses"]) >= {"200", "413", "415", "422", "503"}
    assert requests.get(f"{server.url}/docs", timeout=60).status_code == 200


def test_a_371_by_255_photograph_keeps_its_known_pixels(
    server: Serving, card: ModelCard, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    answer = post(server, encode(photograph), encode(hole))
    filled = pixels_of(answer)
    assert filled.shape == (255, 371, 3)
    np.testing.assert_array_equal(filled[hole == 0], photograph[hole == 0])
    assert (filled[hole > 0] != photograph[hole > 0]).any()
    assert answer.headers["X-Rayfill-Model"] == "tiny"
    assert answer.headers["X-Rayfill-Version"] == "1"
    assert answer.headers["X-Rayfill-Digest"] == card.weights_sha256
    spans = [span.split(";")[0].strip() for span in answer.headers["Server-Timing"].split(",")]
    assert spans == ["decode", "queue", "model", "encode"]


def test_sixteen_at_once_each_get_their_own_picture_back(server: Serving, encode: Encode) -> None:
    rng = np.random.default_rng(0)
    sizes = [(64, 80), (64, 80), (50, 90), (100, 70)] * 4
    pictures = [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    masks = [np.pad(np.full((20, 20), 255, np.uint8), ((9, size[0] - 29), (11, size[1] - 31))) for size in sizes]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda pair: post(server, encode(pair[0]), encode(pair[1])), zip(pictures, masks, strict=True)))
    alone = [post(server, encode(picture), encode(mask)) for picture, mask in zip(pictures[:4], masks[:4], strict=True)]
    for picture, mask, answer in zip(pictures, masks, answers, strict=True):
        np.testing.assert_array_equal(pixels_of(answer)[mask == 0], picture[mask == 0])
    for together, single in zip(answers[:4], alone, strict=True):
        difference = np.abs(pixels_of(together).astype(int) - pixels_of(single).astype(int))
        assert difference.max() <= 1, "who else is in the batch must not matter beyond rounding"


def test_a_refusal_is_the_same_sentence_behind_ray(server: Serving, photograph: Pixels, hole: Pixels, encode: Encode) -> None:
    answer = post(server, encode(photograph), encode(hole[1:]))
    assert answer.status_code == 422
    assert answer.json() == {"detail": "mask: it is 371x254, and the image is 371x255; both must have the same size"}
    assert post(server, b"no image", encode(hole)).status_code == 415


def test_a_taken_port_is_an_input_error(server: Serving) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(InputError, match=f"--host 127.0.0.1 --port {port}: cannot listen there: Address already in use"):
        start_serving("tiny/1", "file:///nowhere", "127.0.0.1", port, replicas=1)
    with pytest.raises(InputError, match="cannot listen there"):
        start_serving("tiny/1", "file:///nowhere", "192.0.2.1", port, replicas=1)


def test_connections_that_do_not_finish_their_headers_are_closed(silent: list[socket.socket]) -> None:
    deadline = time.monotonic() + 2 * HEADERS_S + 10  # they were opened before; Ray's proxy may be busy
    for connection in silent:
        connection.settimeout(max(deadline - time.monotonic(), 0.1))
        with suppress(ConnectionError):
            assert connection.recv(1) == b""


def test_requests_in_flight_are_answered_by_the_same_version_though_the_replica_is_killed_after_its_alias_moved(
    server: Serving, card: ModelCard, photograph: Pixels, hole: Pixels, encode: Encode
) -> None:
    image, mask = encode(photograph), encode(hole)
    (replica,) = [p for p in psutil.process_iter(["cmdline"]) if "ServeReplica:rayfill:Replica" in " ".join(p.info["cmdline"])]

    def ask(number: int) -> tuple[int, str, str]:
        if number == 4:
            replica.kill()
        answer = post(server, image, mask)
        return answer.status_code, answer.headers["X-Rayfill-Version"], answer.headers["X-Rayfill-Digest"]

    def health(_: int) -> int:
        return requests.get(f"{server.url}/healthz", timeout=120).status_code

    with ThreadPoolExecutor(9) as pool:
        answers, healths = pool.map(ask, range(24)), pool.map(health, range(8))
        assert (list(answers), list(healths)) == ([(200, "1", card.weights_sha256)] * 24, [200] * 8)
    logs = Path(ray.get_runtime_context().worker.node.get_session_dir_path()) / "logs" / "serve"
    told = [path.name for path in logs.glob("*.log") if "Traceback" in path.read_text()]
    assert told == [], "a replica that is replaced under its requests is no error of theirs"
