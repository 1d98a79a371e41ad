"""HTTP interface over a backend: decode, inpaint, encode. Invalid requests get a status code and one sentence."""

import asyncio
import logging
import time
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, File, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rayfill import __version__
from rayfill.data.images.encode import encode_image, not_encoded
from rayfill.data.images.source_image import fill_samples
from rayfill.spec.errors import nearest
from serving.backend import Answer, Backend, ModelInfo
from serving.body_limit import BodyLimit
from serving.interface_page import add_interface_page
from serving.page_routes import add_page
from serving.schemas import Health, Models, Problem, ServedModel
from serving.upload import Refused, Upload, decode, read_part

DESCRIPTION = """Fills the holes of photographs.

Send a picture and a mask of the same size, as JPEG, PNG, WebP or TIFF. White (128 or more) in the mask is hole, black is known;
transparent counts as black. A model that is `blind` in `/v1/models` finds the damage itself where no mask is sent, and tells
where with `?answer=mask`. The answer is a PNG (with `?format=tiff` a TIFF) of the picture's size, upright, whose known pixels
are the picture's own: gray, alpha, 16 bits a channel, colour profile, resolution and EXIF come back, too.
`X-Rayfill-Not-Kept` says what could not.
Every error is `{"detail": "one sentence"}`."""

QUERY = ("answer", "format")
"""Keys of a query of `/v1/inpaint`."""

KINDS = {"png": "image/png", "tiff": "image/tiff"}
"""Media types of answers, by `format`."""

RETRY_AFTER_S = 5
"""`Retry-After` of a 503, in seconds."""

PROBLEMS: dict[int | str, dict[str, object]] = {
    413: {"model": Problem, "description": "a file or a picture is too large"},
    415: {"model": Problem, "description": "a file is not a JPEG, PNG, WebP or TIFF image"},
    422: {"model": Problem, "description": "a part is missing or damaged, or image and mask do not fit each other"},
    503: {"model": Problem, "description": "no model is loaded, or the queue is full"},
}


def build_app(backend: Backend) -> FastAPI:
    """The routes over a backend."""
    # It prints a line for every damaged form, fifty a second under attack; the answer says it, too.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    app = FastAPI(title="rayfill", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_parts)
    app.add_exception_handler(Exception, _failed)
    add_page(app)
    add_interface_page(app)

    @app.post(
        "/v1/inpaint",
        summary="Fill the holes of one picture",
        dependencies=[Depends(_known_query)],
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in KINDS.values()}, "description": "the filled picture"}, **PROBLEMS},
    )
    async def inpaint(
        image: Annotated[UploadFile, File(description="the photograph")],
        mask: Annotated[
            UploadFile | None,
            File(description="its mask, of the same size; white = hole; a model that is `blind` finds the damage without one"),
        ] = None,
        answer: Annotated[
            Literal["picture", "mask"], Query(description="the filled picture, or the mask that it is filled by")
        ] = "picture",
        kind: Annotated[Literal["png", "tiff"], Query(alias="format", description="of the answer")] = "png",
    ) -> Response:
        begin = time.perf_counter()
        if mask is None:
            await _check_blind(backend)
        hole = None if mask is None else await read_part("mask", mask)
        upload = await asyncio.to_thread(decode, await read_part("image", image), hole)
        decoded = time.perf_counter()
        filled = await _answer(backend, upload)
        answered = time.perf_counter()
        encoded = await asyncio.to_thread(_encoded, upload, filled, answer, f".{kind}")
        spans = {"decode": decoded - begin, "queue": answered - decoded - filled.seconds, "model": filled.seconds}
        spans["encode"] = time.perf_counter() - answered
        timing = ", ".join(f"{name};dur={max(seconds, 0) * 1000:.1f}" for name, seconds in spans.items())
        headers = {**_headers(filled), **_not_kept(upload, f".{kind}"), "Server-Timing": timing}
        return Response(encoded, media_type=KINDS[kind], headers=headers)

    @app.get("/v1/models", summary="What is served", responses={503: PROBLEMS[503]})
    async def models() -> Models:
        model = (await backend.status()).model
        if model is None:
            raise Refused(503, "no model is loaded")
        return Models(models=[_described(model)])

    @app.get("/healthz", summary="Whether pictures can be filled", responses={503: {"model": Health}})
    async def healthz(response: Response) -> Health:
        status = await backend.status()
        if status.model is None:
            response.status_code = 503
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        loaded = None if status.model is None else _described(status.model)
        return Health(status="unavailable" if loaded is None else "ok", model=loaded, last_error=status.error)

    return app


def _encoded(upload: Upload, filled: Answer, answer: Literal["picture", "mask"], suffix: str) -> bytes:
    if answer == "mask":
        return encode_image(filled.mask, None, suffix)
    return encode_image(fill_samples(upload.source, filled.picture, filled.mask), upload.source, suffix)


def _not_kept(upload: Upload, suffix: str) -> dict[str, str]:
    clauses = (*upload.source.not_kept, *not_encoded(upload.source, suffix))
    return {"X-Rayfill-Not-Kept": "; ".join(clauses)} if clauses else {}


async def _known_query(request: Request) -> None:
    """Reject a misspelt query key, which would silently mean the default."""
    for key in request.query_params:
        if key not in QUERY:
            raise Refused(422, f"{key}: unknown query key{nearest(key, QUERY)}")


async def _answer(backend: Backend, upload: Upload) -> Answer:
    if upload.mask is None or upload.mask.any():
        return await backend.inpaint(upload.source.picture, upload.mask)
    model = (await backend.status()).model
    if model is None:
        raise Refused(503, "no model is loaded")
    return Answer(upload.source.picture, upload.mask, 1.0, model, 0.0)  # nothing to fill: the picture is its own answer


async def _check_blind(backend: Backend) -> None:
    model = (await backend.status()).model
    if model is None:
        raise Refused(503, "no model is loaded")
    if not model.blind:
        raise Refused(
            422,
            f"mask: missing; send multipart/form-data with two files, image and mask: {model.name} cannot find holes itself",
        )


def _headers(answer: Answer) -> dict[str, str]:
    return {
        "X-Rayfill-Model": answer.model.name,
        "X-Rayfill-Version": answer.model.shown_version,
        "X-Rayfill-Digest": answer.model.digest,
        "X-Rayfill-Scale": f"{answer.scale:.4f}",
        "Cache-Control": "no-store",
    }


def _described(model: ModelInfo) -> ServedModel:
    return ServedModel(
        name=model.name,
        version=model.shown_version,
        run=model.run,
        system=model.system,
        digest=model.digest,
        parameters=model.parameters,
        train_size=model.train_size,
        blind=model.blind,
    )


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status, {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return _problem(error.status, str(error))


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, str(error.detail))


async def _wrong_parts(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    part = str(found["loc"][-1])
    if found["loc"][0] == "query":
        return _problem(422, f"{part}: {found['msg'][:1].lower()}{found['msg'][1:]}")
    what = "missing" if found["type"] == "missing" else "not a file"
    return _problem(422, f"{part}: {what}; send multipart/form-data with two files, image and mask")


async def _failed(_: Request, error: Exception) -> JSONResponse:
    # The traceback goes to the server's log only; clients must not see it.
    return _problem(500, f"the server failed on this request ({type(error).__name__})")
