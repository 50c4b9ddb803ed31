"""The composition root: everything that answers over HTTP is put together here, and here alone is a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from flask import Flask

from service import canary
from service.cds_hooks import routes
from service.cds_hooks.callers import PATH, callers
from service.cds_hooks.trust import Replays
from service.deployment import Deployment, deploy
from service.observation import tracing
from service.settings import Settings
from service.storage.memory import Memory, open_memory
from service.web import access_log, errors, headers, openapi, operations, pages


def _utc() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings) -> Flask:
    """The application with these settings, after it has given the one answer that is known for certain.

    Raises:
        KnowledgeError: what the site set does not hold.
        ClientsError: the registry of clients does not hold.
        SettingsError: callers cannot be checked, or nothing can be remembered, with these settings.
        NotReady: the answer was another one; nothing may be served.
    """
    deployment = deploy(settings)
    canary.check(deployment)
    return application(deployment)


def application(
    deployment: Deployment,
    today: Callable[[], date] = date.today,
    now: Callable[[], datetime] = _utc,
    memory: Memory | None = None,
    replays: Replays | None = None,
) -> Flask:
    """The application of a deployment; `today` says which day it is when a request does not, `now` the time (UTC).

    `memory` is that of the settings unless another one is given, and so is what remembers the tokens that were used.

    Raises like `create_app` about clients, callers and memory.
    """
    app = Flask("service", template_folder="web/templates", static_folder="web/static")
    # A redirect to the address with one slash would take its host and scheme from the request.
    app.url_map.merge_slashes = False
    # A body sent in pieces is cut off at this length without a word; one byte more tells it from one that fits.
    app.config["MAX_CONTENT_LENGTH"] = deployment.settings.max_body_bytes + 1
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["tracing"] = _tracing(deployment)
    access_log.register(app, deployment, PATH, app.extensions["tracing"])
    headers.register(app, deployment.settings.cors_origins)
    errors.register(app)
    memory = app.extensions["memory"] = memory or open_memory(deployment.settings)
    asked = callers(deployment.settings, deployment.clients, replays or memory)
    app.register_blueprint(routes.blueprint(deployment, asked, memory, today, now))
    app.register_blueprint(operations.blueprint(deployment, memory))
    app.register_blueprint(openapi.blueprint(deployment))
    app.register_blueprint(pages.blueprint(deployment))
    return app


def _tracing(deployment: Deployment) -> tracing.Tracing | None:
    endpoint = deployment.settings.otlp_endpoint
    return tracing.start(endpoint, deployment.knowledge.version) if endpoint is not None else None
