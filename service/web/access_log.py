"""One line a request: method, kind of address, status, duration; never a query, a body or an unknown address."""

from __future__ import annotations

import logging
import time
from collections.abc import Container

from flask import Flask, Response, g, request

_log = logging.getLogger(__name__)


def register(app: Flask, addresses: Container[str]) -> None:
    """Log every request of `app`; addresses other than `addresses` are named by their pattern only."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        pattern = request.url_rule.rule if request.url_rule else "(no such address)"
        address = request.path if request.path in addresses else pattern
        elapsed = (time.perf_counter() - g.began) * 1000 if "began" in g else 0.0
        _log.info("%s %s %d %.1f ms", request.method, address, response.status_code, elapsed)
        return response
