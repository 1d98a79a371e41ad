"""Ray Serve ingress: HTTP routes over the replicas, without torch."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from serving.app import build_app
from serving.backend import Answer, NoModel, Status, UInt8
from serving.upload import Refused

T = TypeVar("T")

APP = "rayfill"
REPLICA = "Replica"
REPLACED_S = 90.0
"""How long a request whose replica died waits for another one; importing torch and loading a model takes 10 to 60 s."""
ASK_AGAIN_S = 0.2


def build_ingress() -> FastAPI:
    """The routes over the replicas; called inside the ingress, where a handle can be made."""
    return build_app(Replicas(serve.get_deployment_handle(REPLICA, app_name=APP)))


class Replicas:
    """The backend that Ray Serve runs."""

    def __init__(self, handle: DeploymentHandle) -> None:
        self._handle = handle

    async def inpaint(self, picture: UInt8, mask: UInt8 | None) -> Answer:
        """Ask a replica; Refused with 503 where none can."""

        async def ask() -> Answer:
            answer: Answer = await self._handle.inpaint.remote(picture, mask)
            return answer

        try:
            return await _of_some_replica(ask)
        except NoModel:
            raise Refused(503, "no model is loaded") from None
        except BackPressureError:
            raise Refused(503, "too many pictures wait already; try again in a moment") from None

    async def status(self) -> Status:
        """Of one replica; they load the same."""

        async def ask() -> Status:
            status: Status = await self._handle.status.remote()
            return status

        return await _of_some_replica(ask)


async def _of_some_replica(ask: Callable[[], Awaitable[T]]) -> T:
    """What a replica answers; if it dies meanwhile, another is asked. Refused with 503 if none is left."""
    deadline: float | None = None
    while True:
        try:
            if deadline is None:
                return await ask()
            return await asyncio.wait_for(ask(), deadline - time.monotonic())
        except RayActorError:
            deadline = deadline or time.monotonic() + REPLACED_S
            await asyncio.sleep(ASK_AGAIN_S)
        except TimeoutError:
            if deadline is None or time.monotonic() < deadline:
                raise
            raise Refused(503, "the model's process died and its successor is not up yet; try again in a moment") from None
