"""One service as the supervisor sees it: a command, where it answers, and how to tell that it does."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PROBE_S = 2.0
"""How long a probe waits for an answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """A process to start and keep.

    Attributes:
        name: of the service and its log.
        command: the process's words.
        environment: its whole environment.
        url: where it answers.
        is_ready: whether it answers as it should; may do what is to be done once then.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    is_ready: Callable[[], bool]


def answers(url: str, headers: Mapping[str, str] | None = None, *, refusal: bool = False) -> bytes | None:
    """The body of a 200, or with `refusal` of any answer; None where there is none."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=PROBE_S) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        return error.read() if refusal else None
    except OSError:
        return None
