"""Serve the OpenAPI page at /docs from an installed package; FastAPI's own page loads its script from the internet."""

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

ASSETS = "/docs/assets"


def add_interface_page(app: FastAPI) -> None:
    """Serve /docs for an app that was made with `docs_url=None`."""
    app.openapi_version = "3.0.2"  # the newest that the package's Swagger UI 4 can show
    app.mount(ASSETS, StaticFiles(directory=swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="rayfill: HTTP interface",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
        )
