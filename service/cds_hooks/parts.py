"""The parts of a record that are asked for, and the queries that ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rules.reasoning.terminology import Terminology
from service.clients import Capabilities


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the record, asked for under `key`; `risk` says what its absence may hide."""

    key: str
    resource: str
    words: str
    risk: str

    @property
    def element(self) -> str:
        """Where it stands in a request."""
        return f"prefetch.{self.key}"


PATIENT = Part("patient", "Patient", "the patient", "")
CONDITIONS = Part("conditions", "Condition", "diagnoses", "a fracture may be missing")
MEDICATIONS = (
    Part("medicationAdministrations", "MedicationAdministration", "administrations", "a dose given may be missing"),
    Part("medicationDispenses", "MedicationDispense", "dispenses", "a dose handed over may be missing"),
    Part("medicationStatements", "MedicationStatement", "medication statements", "a drug taken may be missing"),
    Part("medicationRequests", "MedicationRequest", "prescriptions", "a drug ordered may be missing"),
)
OPTIONAL = (
    Part("procedures", "Procedure", "procedures", "an injection or operation may be missing"),
    Part("serviceRequests", "ServiceRequest", "orders", "an examination already ordered may be missing"),
    Part("observations", "Observation", "observations", "laboratory values may be missing"),
    Part("diagnosticReports", "DiagnosticReport", "reports", "imaging of the spine may be missing"),
    Part("imagingStudies", "ImagingStudy", "imaging studies", "imaging of the spine may be missing"),
    Part("allergies", "AllergyIntolerance", "allergies", "an allergy may be missing"),
    Part("encounters", "Encounter", "encounters", "the day of an undated diagnosis may be missing"),
    Part("appointments", "Appointment", "appointments", "a planned dose may be missing"),
)
SEARCHES = (CONDITIONS, *MEDICATIONS, *OPTIONAL)
PARTS = (PATIENT, *SEARCHES)

USUAL = Capabilities()
"""What a client can do of which nobody has said otherwise."""

_PATIENT_ID = "{{context.patientId}}"


def templates(terminology: Terminology, capabilities: Capabilities = USUAL) -> dict[str, str]:
    """The queries that every service asks a client for, by key; what it cannot answer is left out."""
    asked = queries(terminology, capabilities)
    return {key: query for key, query in asked.items() if key not in capabilities.prefetch_omit}


def queries(terminology: Terminology, capabilities: Capabilities = USUAL) -> dict[str, str]:
    """The queries for the whole record, by key: one read, and searches in the subset that every client understands.

    Only observations are narrowed, by every LOINC code that means something here: medications and diagnoses in words
    alone, or by reference, would be lost. The codes go without their system, which many records misspell. A server
    that allows fewer resources at once than are asked for sends a first page, and that is noticed.
    """
    asked = {PATIENT.key: f"{PATIENT.resource}/{_PATIENT_ID}"}
    page = "" if capabilities.prefetch_count is None else f"&_count={capabilities.prefetch_count}"
    for part in SEARCHES:
        asked[part.key] = f"{part.resource}?patient={_PATIENT_ID}{page}"
    if capabilities.observation_codes:
        codes = sorted({row.code for row in terminology.rows() if row.system == "loinc" and row.match == "exact"})
        asked["observations"] += f"&code={','.join(codes)}"
    return asked


def filled(template: str, patient_id: str) -> str:
    """A query about one patient as it goes into an address: every value percent-encoded, `|` and `,` too."""
    path, _, asked = template.replace(_PATIENT_ID, patient_id).partition("?")
    values = [one.partition("=") for one in asked.split("&") if one]
    return path + "".join(
        f"{'&' if number else '?'}{name}={quote(value, safe='')}" for number, (name, _, value) in enumerate(values)
    )


def medications_query(ids: Sequence[str]) -> str:
    """One search for drugs by their ids."""
    return f"Medication?_id={quote(','.join(ids), safe='')}&_count={len(ids)}"
