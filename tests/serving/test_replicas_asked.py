"""The ingress asks another replica where one died, until a deadline; then it says when to come again."""

import asyncio

import pytest
import requests
from ray.exceptions import RayActorError

from serving import ingress
from serving.app import RETRY_AFTER_S
from serving.backend import Answer, ModelInfo, Status, UInt8
from serving.ingress import Replicas
from tests.serving.conftest import over_http

MODEL = ModelInfo("tiny", 1, "tiny-1", "gdn", "0" * 64, 10, 32, False)


class Handle:
    """A deployment handle whose replica is dead for its first questions."""

    def __init__(self, deaths: float) -> None:
        self.status = self
        self.asked = 0
        self._deaths = deaths

    async def remote(self) -> Status:
        self.asked += 1
        if self.asked <= self._deaths:
            raise RayActorError
        return Status(MODEL, None)


def test_a_dead_replica_s_question_is_asked_again_until_its_successor_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress, "ASK_AGAIN_S", 0.01)
    handle = Handle(deaths=3)
    assert asyncio.run(Replicas(handle).status()).model == MODEL
    assert handle.asked == 4


def test_without_a_successor_the_answer_is_503_with_a_time_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingress, "ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(ingress, "REPLACED_S", 0.1)
    with over_http(Replicas(Handle(deaths=float("inf")))) as url:
        answer = requests.get(f"{url}/v1/models", timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER_S))
    assert answer.json() == {"detail": "the model's process died and its successor is not up yet; try again in a moment"}


def test_a_server_without_a_model_says_when_to_ask_for_its_health_again() -> None:
    class Empty:
        async def inpaint(self, picture: UInt8, mask: UInt8 | None) -> Answer:
            raise NotImplementedError

        async def status(self) -> Status:
            return Status(None, "model 'tiny' could not be loaded")

    with over_http(Empty()) as url:
        answer = requests.get(f"{url}/healthz", timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER_S))
    assert answer.json()["last_error"] == "model 'tiny' could not be loaded"
