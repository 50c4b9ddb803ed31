"""Pages for people: what runs here, and every rule beside its sources; the same as JSON for programs that ask."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request

from rules import catalogue
from rules.reasoning.errors import KnowledgeError
from service import words
from service.cds_hooks.problems import UnknownService
from service.deployment import Deployment
from service.version import SOFTWARE_VERSION
from service.web.example import curl_line


def blueprint(deployment: Deployment) -> Blueprint:
    """The pages."""
    pages = Blueprint("pages", __name__)
    knowledge, settings = deployment.knowledge, deployment.settings

    @pages.get("/")
    def home() -> Response:
        services = list(deployment.services.values())
        if _json_only():
            return jsonify(
                product="ReboundWatch",
                version=SOFTWARE_VERSION,
                knowledgeVersion=knowledge.version,
                signedOff=all(knowledge.signed_off(one.id) for one in knowledge.rules),
                services=[{"id": one.id, "hook": one.hook, "url": f"/cds-services/{one.id}"} for one in services],
            )
        return _page(
            "home.html",
            services=services,
            curl=curl_line(settings.base_url or request.host_url.rstrip("/")) if settings.allow_as_of else None,
            rules=len(knowledge.rules),
        )

    @pages.get("/rules")
    def rules() -> Response:
        return jsonify(catalogue.as_data(knowledge)) if _json_only() else _page("rules.html")

    @pages.get("/rules/<rule_id>")
    def rule(rule_id: str) -> Response:
        try:
            entry = knowledge.rule(rule_id)
        except KnowledgeError:
            raise UnknownService("no rule of this name is in use; /rules lists them") from None
        if _json_only():
            [found] = [one for one in catalogue.as_data(knowledge) if one["id"] == rule_id]
            return jsonify(found)
        limits = [knowledge.limits.limit(name) for name in entry.limits]
        return _page("rule.html", rule=entry, limits=limits, kinds=words.strengths(entry.evidence_level))

    def _page(template: str, **content: object) -> Response:
        shown = render_template(
            template,
            knowledge=knowledge,
            settings=settings,
            version=SOFTWARE_VERSION,
            certainty=catalogue.CERTAINTY,
            strengths=words.STRENGTHS,
            **content,
        )
        return Response(shown, mimetype="text/html")

    return pages


def _json_only() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
