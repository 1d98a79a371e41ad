"""The interface over a model in this process, for everything that does not need Ray Serve, and files to send to it."""

import asyncio
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import uvicorn
from PIL import Image

from rayfill.inference.composite import UInt8
from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import Model, load_model
from serving.app import build_app
from serving.backend import Answer, Backend, Status
from serving.replica import describe

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """`encode(pixels, "PNG", **options)`: an image file's bytes."""

    def encoded(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind, **options)
        return file.getvalue()

    return encoded


@pytest.fixture(scope="session")
def photograph() -> Pixels:
    """371 wide, 255 high: neither side fits a network."""
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (255, 371, 3), np.uint8)


@pytest.fixture(scope="session")
def hole() -> Pixels:
    """A mask for `photograph`."""
    mask = np.zeros((255, 371), np.uint8)
    mask[60:140, 100:220] = 255
    return mask


@contextmanager
def routes_over(folder: Path) -> Iterator[str]:
    """URL of the real routes on a real socket, with the model of `folder` in this process behind them."""
    model, info = describe(load_model(folder, torch.device("cpu")), version=3)

    class InProcess:
        async def inpaint(self, picture: UInt8, mask: UInt8 | None) -> Answer:
            filled = await asyncio.to_thread(inpaint, model, [picture], [mask])
            return Answer(filled[0].composited, filled[0].mask, filled[0].scale, info, 0.0)

        async def status(self) -> Status:
            return Status(info, None)

    with over_http(InProcess()) as url:
        yield url


@contextmanager
def over_http(backend: Backend) -> Iterator[str]:
    """URL of the real routes over a backend, on a real socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(build_app(backend), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def local_server(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., object]) -> Iterator[str]:
    """URL of a server of a tiny GDN."""
    folder = tmp_path_factory.mktemp("model")
    make_model(folder)
    with routes_over(folder) as url:
        yield url


@pytest.fixture(scope="session")
def server_of(
    tmp_path_factory: pytest.TempPathFactory, make_system_model: Callable[[str, Path], Model]
) -> Iterator[Callable[[str], str]]:
    """`server_of("lama")`: URL of a server of that shipped recipe, made small and untrained."""
    with ExitStack() as running:

        @cache
        def start(recipe: str) -> str:
            folder = tmp_path_factory.mktemp(recipe)
            make_system_model(recipe, folder)
            return running.enter_context(routes_over(folder))

        yield start
