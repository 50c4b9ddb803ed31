"""For whoever runs the service: is it alive, does it answer rightly now, and what has it done."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from service import canary
from service.deployment import Deployment
from service.observation import metrics
from service.storage.memory import Memory
from service.version import SOFTWARE_VERSION


def blueprint(deployment: Deployment, memory: Memory) -> Blueprint:
    """The health endpoints and the metrics."""
    routes = Blueprint("operations", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return jsonify(live=True)

    @routes.get("/health/ready")
    def ready() -> Response:
        canary.check(deployment)
        # Without its database it answers all the same: records wait in the spool, and nobody need be sent elsewhere.
        return jsonify(
            ready=True,
            storage="degraded" if memory.degraded else "ok",
            version=SOFTWARE_VERSION,
            knowledgeVersion=deployment.knowledge.version,
        )

    @routes.get("/metrics")
    def all_metrics() -> Response:
        return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)

    return routes
