"""Requests that are too long are refused while they come in, with the same kind of answer as everything else.

FastAPI's own `max_body_size` answers some of them in plain text.
"""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.limits import MAX_BODY_BYTES


class BodyLimit:
    """ASGI middleware: counts the bytes of a body as they come, because Content-Length may be missing or lie."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that stops at the limit."""
        left = MAX_BODY_BYTES

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, f"the request is longer than the allowed {MAX_BODY_BYTES // 2**20} MiB")
            return message

        await self._app(scope, counted, send)
