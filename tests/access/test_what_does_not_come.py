"""What the FHIR server does not give is told with its reason: a gap when it is optional, 412 when it is required."""

from __future__ import annotations

import json
import logging
import time

import pytest
from flask.testing import FlaskClient

from service.cds_hooks.card_messages import EXTENSION
from tests.access.fhir_server import FhirServer, Json, outcome, serving
from tests.access.hospital import TOKEN, authorization, clinic, record, without_prefetch
from tests.contract.calls import answered, post, refused
from tests.unit.commands.records import bundle, hook_request, patient, resource

FAULTS = {
    "500": "the FHIR server failed",
    "reset": "the FHIR server failed",
    "outcome": "the FHIR server failed",
    "403": "the FHIR server refused the token",
    "404": "the FHIR server does not have it",
    "garbage": "the FHIR server answered with something other than FHIR",
    "null": "the FHIR server answered with something other than FHIR",
    "nested": "the FHIR server answered with something other than FHIR",
    "compressed": "the FHIR server answered with something other than FHIR",
    "redirect": "the FHIR server sent a redirect, which is not followed",
    "huge": "there is more than is read",
}
SLOW = {"hang": "the FHIR server did not answer in time", "drip": "the FHIR server did not answer in time"}


def lacking(fault: str, kind: str, time_budget_ms: int = 20_000) -> Json:
    """The answer of a call in which one kind of resource meets a fault."""
    with serving(record(), faults={kind: fault}) as fhir, clinic(fhir.base, time_budget_ms=time_budget_ms) as service:
        return answered(post(service, without_prefetch(fhir)))


@pytest.mark.parametrize(("fault", "said"), FAULTS.items())
def test_what_is_optional_and_fails_is_said_on_the_card(fault: str, said: str) -> None:
    body = lacking(fault, "DiagnosticReport")
    assert f"and {said}: imaging of the spine may be missing" in body["cards"][0]["detail"]
    assert body["extension"][EXTENSION]["incomplete"] == ["diagnosticReports"]


@pytest.mark.parametrize(("fault", "said"), SLOW.items())
def test_what_does_not_come_in_time_is_said_on_the_card_and_the_answer_is_in_time(fault: str, said: str) -> None:
    began = time.monotonic()
    body = lacking(fault, "DiagnosticReport", time_budget_ms=1500)
    assert time.monotonic() - began < 10
    assert f"not sent, and {said}" in body["cards"][0]["detail"]
    assert body["extension"][EXTENSION]["incomplete"] == ["diagnosticReports"]


@pytest.mark.parametrize("kind", ["Condition", "Patient"])
@pytest.mark.parametrize(("fault", "said"), (FAULTS | SLOW).items())
def test_without_what_is_required_the_answer_is_412_and_says_why(fault: str, said: str, kind: str) -> None:
    budget = 1500 if fault in SLOW else 20_000
    with serving(record(), faults={kind: fault}) as fhir, clinic(fhir.base, time_budget_ms=budget) as service:
        issue = refused(post(service, without_prefetch(fhir)), 412)
    key = {"Condition": "prefetch.conditions", "Patient": "prefetch.patient"}[kind]
    assert issue["expression"] == [key]
    assert f"{key} is required" in issue["details"]["text"]
    assert f"and {said}" in issue["details"]["text"]


def test_without_any_source_of_medication_the_answer_is_412() -> None:
    kinds = ("MedicationAdministration", "MedicationDispense", "MedicationStatement", "MedicationRequest")
    faults = dict.fromkeys(kinds, "500")
    with serving(record(), faults=faults) as fhir, clinic(fhir.base) as service:
        issue = refused(post(service, without_prefetch(fhir)), 412)
        del faults["MedicationStatement"]
        fhir.faults = faults
        answered(post(service, without_prefetch(fhir)))
    assert len(issue["expression"]) == 4


def test_a_server_that_is_not_there_is_said() -> None:
    with serving() as gone:
        pass
    with clinic(gone.base) as service:
        issue = refused(post(service, without_prefetch(gone)), 412)
    assert "the FHIR server cannot be reached" in issue["details"]["text"]


def test_a_record_of_another_patient_is_used_in_no_way() -> None:
    with serving(record(), faults={"Condition": "stranger"}) as fhir, clinic(fhir.base) as service:
        issue = refused(post(service, without_prefetch(fhir)), 502)
    assert issue["expression"] == ["fhirServer"]
    assert "not of the patient in context.patientId" in issue["details"]["text"]
    assert "somebody" not in json.dumps(issue)


def test_a_wrong_token_is_refused_by_the_server_and_that_is_said() -> None:
    wrong = authorization(access_token="another")
    with serving(record(), token=TOKEN) as fhir, clinic(fhir.base) as service:
        issue = refused(post(service, without_prefetch(fhir, fhirAuthorization=wrong)), 412)
    assert "the FHIR server refused the token" in issue["details"]["text"]


@pytest.mark.parametrize("change", [{"expires_in": 0}, {"expires_in": -5}, {"access_token": "a\r\nX-Evil: 1"}])
def test_a_token_that_cannot_be_used_is_not_sent(change: Json) -> None:
    with serving(record()) as fhir, clinic(fhir.base) as service:
        issue = refused(post(service, without_prefetch(fhir, fhirAuthorization=authorization(**change))), 412)
    assert fhir.asked == []
    assert "the token has expired or is none that can be sent" in issue["details"]["text"]


class TestScope:
    def test_what_it_does_not_cover_is_not_asked_for_and_said(self) -> None:
        scope = "patient/Patient.r patient/Condition.rs patient/MedicationAdministration.s patient/Procedure.r"
        with serving(record()) as fhir, clinic(fhir.base) as service:
            body = answered(post(service, without_prefetch(fhir, fhirAuthorization=authorization(scope))))
        assert fhir.kinds() == {"Patient", "Condition", "MedicationAdministration"}
        said = "procedures (not sent, and it is not permitted by the scope of the token: "
        assert said in body["cards"][0]["detail"]

    def test_without_the_diagnoses_in_it_the_answer_is_412(self) -> None:
        scope = "user/Patient.read user/Medication*.read patient/Observation.*"
        with serving(record()) as fhir, clinic(fhir.base) as service:
            issue = refused(post(service, without_prefetch(fhir, fhirAuthorization=authorization(scope))), 412)
        assert "prefetch.conditions is required (not sent, and it is not permitted" in issue["details"]["text"]
        assert fhir.kinds() == {"Patient", "Observation"}

    def test_of_another_patient_it_permits_nothing(self) -> None:
        other = authorization("patient/*.rs", patient="berta")
        with serving(record()) as fhir, clinic(fhir.base) as service:
            refused(post(service, without_prefetch(fhir, fhirAuthorization=other)), 412)
        assert fhir.asked == []

    def test_that_is_narrowed_shows_a_part_from_which_no_absence_is_concluded(self) -> None:
        narrowed = authorization("patient/Condition.rs?category=problem-list-item patient/*.cruds?x=y")
        with serving([patient()]) as fhir, clinic(fhir.base) as service:
            issue = refused(post(service, without_prefetch(fhir, fhirAuthorization=narrowed)), 412)
            fhir.resources = record()
            body = answered(post(service, without_prefetch(fhir, fhirAuthorization=narrowed)))
        assert "prefetch.conditions" in issue["expression"]
        assert "diagnoses (only what the scope of the token shows: " in body["cards"][0]["detail"]


class TestPages:
    def test_that_lead_elsewhere_are_not_followed(self) -> None:
        with (
            serving(record()) as other,
            serving(record(), faults={"Condition next": "elsewhere"}) as fhir,
            clinic(fhir.base, other.base) as service,
        ):
            for place in (
                f"{other.base}/Condition?page=2",
                fhir.base.replace("/fhir", "/admin"),
                f"{fhir.base}/../admin",
                f"{fhir.base}/%2e%2e/admin",
                fhir.base.replace("//", "//user@"),
                "file:///etc/hosts",
                "http://[",
                "",
            ):
                fhir.asked.clear()
                fhir.elsewhere = place
                body = answered(post(service, without_prefetch(fhir, fhirAuthorization=authorization())))
                said = "first page only, and the next page is not on the FHIR server"
                if place:
                    assert f"diagnoses ({said}" in body["cards"][0]["detail"]
                assert {one.path.partition("?")[0].split("/")[1] for one in fhir.asked} == {"fhir"}
                assert not any(".." in one.path or "%2e" in one.path for one in fhir.asked)
        assert other.asked == []

    def test_that_lead_in_a_circle_end(self) -> None:
        faults = {"Condition next": "Condition?patient=anna"}
        with serving(record(), faults=faults) as fhir, clinic(fhir.base) as service:
            body = answered(post(service, without_prefetch(fhir)))
        assert "diagnoses (first page only, and the pages lead in a circle" in body["cards"][0]["detail"]
        assert sum(one.kind == "Condition" for one in fhir.asked) == 2

    def test_of_which_a_later_one_fails_are_a_part(self) -> None:
        faults = {"Condition next": "Broken?page=2", "Broken": "500"}
        with serving([patient()], faults=faults) as fhir, clinic(fhir.base) as service:
            issue = refused(post(service, without_prefetch(fhir)), 412)
            fhir.resources = record()
            body = answered(post(service, without_prefetch(fhir)))
        assert issue["expression"] == ["prefetch.conditions"]
        assert "diagnoses (first page only, and the FHIR server failed" in body["cards"][0]["detail"]

    def test_are_no_more_than_an_evaluation_can_be_about(self) -> None:
        many = [resource("Observation", f"o{number}", code={"coding": [{"code": "17861-6"}]}) for number in range(60)]
        with serving([*record(), *many], page_size=1) as fhir, clinic(fhir.base) as service:
            body = answered(post(service, without_prefetch(fhir)))
        assert "observations (first page only, and there is more than is read" in body["cards"][0]["detail"]


class TestSent:
    """The states of what the client sent stay what they are (CDS Hooks 2.0.1, "Prefetch")."""

    def call(self, service: FlaskClient, fhir: FhirServer, **prefetch: object) -> Json:
        request = hook_request() | {"fhirServer": fhir.base}
        request["prefetch"] |= {key: value for key, value in prefetch.items() if value != "absent"}
        return answered(post(service, request))

    def test_nothing_found_is_an_answer_and_not_asked_again(self) -> None:
        with serving(record()) as fhir, clinic(fhir.base) as service:
            self.call(service, fhir, observations=None, procedures=bundle(), allergies={"resourceType": "Bundle"})
        assert fhir.asked
        assert not {"Observation", "Procedure", "AllergyIntolerance"} & fhir.kinds()

    @pytest.mark.parametrize("value", ["absent", outcome("error"), bundle(outcome("error"))])
    def test_what_was_not_answered_is_asked_for(self, value: object) -> None:
        with serving(record()) as fhir, clinic(fhir.base) as service:
            body = self.call(service, fhir, procedures=value)
        assert "Procedure" in fhir.kinds()
        assert "incomplete" not in body["extension"][EXTENSION]

    def test_keys_that_nobody_asked_for_are_ignored(self) -> None:
        with serving(record()) as fhir, clinic(fhir.base) as service:
            self.call(service, fhir, somethingElse=patient("berta"))
        assert "Berta" not in str(fhir.asked)

    def test_a_first_page_stays_one_without_a_server_to_ask(self) -> None:
        page = bundle() | {"link": [{"relation": "next", "url": "https://fhir.example.org/2"}]}
        with clinic() as service:
            body = answered(
                post(service, without_prefetch(None, prefetch=hook_request()["prefetch"] | {"procedures": page}))
            )
        assert "procedures (first page only: " in body["cards"][0]["detail"]

    def test_without_a_server_the_answer_says_so(self) -> None:
        with clinic() as service:
            issue = refused(post(service, without_prefetch(None)), 412)
        assert "names no fhirServer" in issue["details"]["text"]


def test_nobody_reads_the_token_or_the_patient_in_logs_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    faults = {"Condition": "500", "Procedure": "garbage", "Encounter": "redirect"}
    with serving(record(), token=TOKEN, faults=faults) as fhir, clinic(fhir.base) as service:
        response = post(service, without_prefetch(fhir, fhirAuthorization=authorization()))
        fhir.faults = {"Condition": "stranger"}
        again = post(service, without_prefetch(fhir, fhirAuthorization=authorization()))
    assert (response.status_code, again.status_code) == (412, 502)
    assert {one.headers["authorization"] for one in fhir.asked} == {f"Bearer {TOKEN}"}
    written = caplog.text + response.text + again.text
    assert "the FHIR server, FAILED: Condition\n" in written
    for secret in (TOKEN, "anna", "patient=", "somebody-else"):
        assert secret not in written
