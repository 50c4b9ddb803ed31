"""For whoever runs the service: is it alive, and does it answer rightly now."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from service import canary
from service.deployment import Deployment
from service.version import SOFTWARE_VERSION


def blueprint(deployment: Deployment) -> Blueprint:
    """The health endpoints."""
    routes = Blueprint("operations", __name__, url_prefix="/health")

    @routes.get("/live")
    def live() -> Response:
        return jsonify(live=True)

    @routes.get("/ready")
    def ready() -> Response:
        canary.check(deployment)
        return jsonify(ready=True, version=SOFTWARE_VERSION, knowledgeVersion=deployment.knowledge.version)

    return routes
