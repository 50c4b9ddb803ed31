"""The example that shows at once what this is for."""

from __future__ import annotations

REQUEST = "fhir_fixtures/hooks/patient-view/five-fractures-ten-months-after-seven-doses.json"
"""A whole hook request, in a checkout of the project, that is answered with a critical card."""


def curl_line(base_url: str) -> str:
    """One command that returns a critical card from the service at `base_url`."""
    url = f"{base_url}/cds-services/denosumab-rebound-patient-view"
    return f"curl -s -H 'Content-Type: application/json' --data @{REQUEST} {url}"
