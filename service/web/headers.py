"""What every answer carries: which pages may read it (CORS), what a browser may do with it, who may keep it."""

from __future__ import annotations

from collections.abc import Container

from flask import Flask, Response, request

_CDS = "/cds-services"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def register(app: Flask, origins: Container[str]) -> None:
    """Set the headers of every answer of `app`, errors too; pages of `origins` may call the CDS services."""

    @app.before_request
    def preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if asks and request.path.startswith(_CDS) else None

    @app.after_request
    def complete(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Content-Security-Policy"] = _POLICY
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        if request.path.startswith(_CDS):
            _allow(response, origins)
        return response


def _allow(response: Response, origins: Container[str]) -> None:
    if "Vary" in response.headers:
        response.vary.add("Origin")
    else:
        response.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin", "").lower()
    if origin not in origins:
        return
    response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
