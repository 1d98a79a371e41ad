"""Connect to a Ray cluster's dashboard; what Ray says misleadingly is said in plain sentences."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from rayfill.spec.errors import Failed, InputError

ANSWER_S = 10.0
"""Seconds within which a dashboard has to answer the first question."""
REQUEST_S = 120.0
"""Seconds for any later one; the upload of the code is the longest. Ray's own client waits for ever."""

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Where the tools of this machine look for certificates of their own authorities."""


class Client(JobSubmissionClient):  # type: ignore[misc]  # Ray is not typed
    """Ray's client of the Jobs API, with an end to every wait."""

    def _do_request(self, method: str, endpoint: str, **options: Any) -> requests.Response:
        try:
            answer: requests.Response = super()._do_request(method, endpoint, **({"timeout": REQUEST_S} | options))
        except requests.Timeout:
            raise Failed(f"{self._address}: no answer for {REQUEST_S:.0f} s") from None
        except requests.RequestException as error:
            raise Failed(f"{self._address}: the connection to the cluster was lost ({type(error).__name__})") from None
        except AuthenticationError:
            raise InputError(f"{self._address}: the cluster does not take the token any more") from None
        return answer


TALKATIVE = ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private.runtime_env.packaging")
"""Ray's loggers that announce every upload."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers and takes our token.

    Attributes:
        address: URL of the dashboard.
        headers: with the token.
        verify: whether certificates are checked, or the file of authorities that they are checked with.
        ray_version: of the cluster.
        session: Ray's name for the cluster since it was started; another one means that it was started anew.
        client: of the Jobs API.
    """

    address: str
    headers: dict[str, str]
    verify: bool | str
    ray_version: str
    session: str
    client: Client

    def get(self, path: str) -> Any:
        """The `data` of one of the dashboard's JSON answers; {} where this cluster has none."""
        try:
            answer = requests.get(self.address + path, headers=self.headers, verify=self.verify, timeout=REQUEST_S)
            return answer.json().get("data") or {} if answer.ok else {}
        except requests.JSONDecodeError:
            return {}
        except requests.RequestException as error:
            raise Failed(f"{self.address}: the connection to the cluster was lost ({type(error).__name__})") from None


def connect(address: str) -> Cluster:
    """The cluster behind a dashboard, with the token of RAY_AUTH_TOKEN or ~/.ray/auth_token if there is one.

    Raises:
        InputError: not a dashboard's address, no answer from there, its certificate is not trusted, or the token is refused.
    """
    address = address.rstrip("/")
    if not address.startswith(("http://", "https://")):
        host = urlsplit(address if "://" in address else f"//{address}").hostname or "127.0.0.1"
        raise InputError(f"--address {address}: give the cluster's dashboard, such as http://{host}:8265")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    token = auth_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    verify = next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), True)
    version = _version(address, headers, verify)
    return Cluster(
        address,
        headers,
        verify,
        str(version["ray_version"]),
        str(version.get("session_name", "")),
        Client(address, headers=dict(headers), verify=verify),
    )


def _version(address: str, headers: dict[str, str], verify: bool | str) -> dict[str, Any]:
    """What the dashboard says of itself. InputError if it does not, or does not want to."""
    try:
        # Ray's client has no time-out for a server that accepts a connection and then sends nothing.
        answer = requests.get(f"{address}/api/version", headers=headers, verify=verify, timeout=ANSWER_S)
    except requests.Timeout:
        raise InputError(f"--address {address}: accepted the connection, but sent no answer within {ANSWER_S:g} s") from None
    except requests.exceptions.SSLError as error:
        if "WRONG_VERSION_NUMBER" in str(error) or "record layer" in str(error):
            raise InputError(f"--address {address}: it does not speak TLS; write http:// instead of https://") from None
        raise InputError(
            f"--address {address}: its certificate is not trusted; name your authority's file in REQUESTS_CA_BUNDLE"
        ) from None
    except (requests.RequestException, ValueError):
        raise InputError(f"--address {address}: no Ray dashboard answers there") from None
    if answer.status_code in (401, 403):
        hint = "refuses the token" if "Authorization" in headers else "asks for a token"
        raise InputError(f"--address {address}: the cluster {hint}; put it in ~/.ray/auth_token or RAY_AUTH_TOKEN")
    try:
        found: dict[str, Any] = answer.json()
        found["ray_version"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"--address {address}: something answers there with HTTP {answer.status_code}, but it is no Ray dashboard"
        ) from None
    return found


def auth_token() -> str | None:
    """The cluster token that Ray itself would use, or None."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return os.environ["RAY_AUTH_TOKEN"].strip()
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: the cluster's token cannot be read: {error.strerror}") from None
