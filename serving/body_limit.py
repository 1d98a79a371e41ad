"""Reject requests that are too long or too slow while they arrive, with the same error format as the other routes.

FastAPI's own `max_body_size` answers some of them in plain text.
"""

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.limits import MAX_BODY_BYTES

TOO_LONG = f"the request is longer than the allowed {MAX_BODY_BYTES // 2**20} MiB"
SILENT_S = 30.0
"""Longest pause within a body."""
BODY_S = 300.0
"""Longest time for a whole body: 64 MiB at 2 Mbit/s."""


class BodyLimit:
    """ASGI middleware: believes a Content-Length that is too long, and counts bytes and seconds, because it may lie."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that stops at the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > MAX_BODY_BYTES:
            await JSONResponse({"detail": TOO_LONG}, 413)(scope, receive, send)
            return
        left = MAX_BODY_BYTES
        complete = False
        end = asyncio.get_running_loop().time() + BODY_S

        async def counted() -> Message:
            nonlocal left, complete
            if complete:  # then this waits for the client to hang up, for as long as the answer takes
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), min(SILENT_S, end - asyncio.get_running_loop().time()))
            except TimeoutError:
                raise HTTPException(408, "the request came in too slowly") from None
            complete = not message.get("more_body", False)
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, TOO_LONG)
            return message

        await self._app(scope, counted, send)


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
