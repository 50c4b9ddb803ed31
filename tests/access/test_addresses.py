"""No request makes this service knock where its site has not allowed it, whatever name the address bears."""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from collections.abc import Sequence

import httpcore
import pytest

from service.cds_hooks.parts import CONDITIONS, PARTS
from service.clients import Anonymous, Clients, FhirAccess
from service.fhir.addresses import (
    UNTIL,
    AddressRefused,
    CheckedNetwork,
    TimedNetwork,
    base_of,
    is_public,
    is_under,
    networks_of,
)
from service.fhir.scopes import Permission, Scopes
from tests.access.fhir_server import serving
from tests.access.hospital import authorization, clinic, record, without_prefetch
from tests.contract.calls import answered, post, refused

SHUT = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::1.1.1.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:101:101::", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", SHUT)
def test_an_address_of_the_inside_is_shut(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    assert not opens("fhir.example.org", [address])


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:800::200e"])
def test_an_address_of_the_open_network_is_open(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def opens(host: str, addresses: Sequence[str], networks: Sequence[str] = (), *, plain: bool = False) -> bool:
    """Whether a connection was tried; nothing listens there."""
    UNTIL.set(time.monotonic() + 0.05)
    known = networks_of([], networks)
    network = CheckedNetwork(known, plain=plain, resolve=lambda host, port: addresses)
    try:
        network.connect_tcp(host, 9, 0.05).close()
    except AddressRefused:
        return False
    except (httpcore.ConnectError, httpcore.ConnectTimeout):
        return True
    return True


def test_a_private_network_is_open_when_the_site_names_it() -> None:
    assert not opens("fhir.example.org", ["127.1.2.3"])
    assert opens("fhir.example.org", ["127.1.2.3"], ["127.1.0.0/16"])
    assert not opens("fhir.example.org", ["127.2.2.3"], ["127.1.0.0/16"])


def test_one_address_that_is_shut_shuts_the_name() -> None:
    assert not opens("fhir.example.org", ["127.1.2.3", "169.254.169.254"], ["127.1.0.0/16"])
    assert not opens("fhir.example.org", [])


def test_a_first_address_that_is_silent_leaves_time_for_the_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        UNTIL.set(time.monotonic() + 2.0)
        # 192.0.2.1 is of no network: nothing answers there.
        network = TimedNetwork(resolve=lambda host, port: ["192.0.2.1", "127.0.0.1"])
        network.connect_tcp("fhir.example.org", port).close()
    UNTIL.set(float("inf"))


def test_without_encryption_only_this_machine_is_open() -> None:
    assert not opens("fhir.example.org", ["1.1.1.1"], plain=True)
    assert not opens("fhir.example.org", ["10.0.0.1"], ["10.0.0.0/8"], plain=True)
    assert opens("fhir.example.org", ["127.1.2.3"], ["127.1.0.0/16"], plain=True)


@pytest.mark.parametrize(
    "host",
    ["{name}", "localtest.example.org", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]"],
)
def test_a_name_of_this_machine_leads_nowhere_even_when_it_is_registered(host: str) -> None:
    """Only a loopback address that stands there as such is one that a site has named."""

    def system(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if name != "::ffff:127.0.0.1" else [name]

    with serving(record()) as fhir:
        base = f"http://{host.format(name='ehr.example.org')}:{fhir.port}/fhir"
        with clinic(base, resolve=system) as service:
            issue = refused(post(service, without_prefetch(base)), 412)
    assert "at an address that is not open" in issue["details"]["text"]
    assert fhir.asked == []


def test_an_address_in_decimal_is_resolved_and_judged_by_the_system_itself() -> None:
    with serving(record()) as fhir:
        base = f"https://2130706433:{fhir.port}/fhir"
        with clinic(base) as service:
            refused(post(service, without_prefetch(base)), 412)
    assert fhir.asked == []


def test_an_answer_of_the_name_server_that_changes_leads_nowhere() -> None:
    """What was judged is what is connected to, between the two nothing is resolved; and each connection is judged."""
    asked: list[str] = []

    def rebinding(name: str, port: int) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with serving(record()) as fhir, serving(record(), host="127.0.0.2", port=fhir.port) as forbidden:
        base = f"http://fhir.example.org:{fhir.port}/fhir"
        request = without_prefetch(base)
        request["prefetch"] = {part.key: None for part in PARTS if part is not CONDITIONS} | {"patient": record()[0]}
        with clinic(base, private_networks=("127.0.0.1/32",), resolve=rebinding) as service:
            answered(post(service, request))
            answered(post(service, request))
            assert (len(asked), len(fhir.asked)) == (1, 2), "the connection is kept, and stays where it is"
            fhir.faults = {"Condition": "reset"}
            issue = refused(post(service, request), 412)
    assert len(asked) == 2
    assert "at an address that is not open" in issue["details"]["text"]
    assert forbidden.asked == []


def test_a_name_server_that_does_not_answer_costs_no_more_than_the_time_budget() -> None:
    def silent(name: str, port: int) -> Sequence[str]:
        time.sleep(2)
        return ["127.0.0.1"]

    base = "http://fhir.example.org/fhir"
    with clinic(base, resolve=silent, time_budget_ms=300) as service:
        began = time.monotonic()
        issue = refused(post(service, without_prefetch(base)), 412)
        taken = time.monotonic() - began
    assert taken < 1.9
    assert "did not answer in time" in issue["details"]["text"]


class TestAllowList:
    @pytest.mark.parametrize(
        "named",
        [
            "http://127.0.0.1:{port}/other",
            "http://127.0.0.1:{port}/fhir/../admin",
            "http://127.0.0.1:{port}/fhirs",
            "http://127.0.0.1:{port}",
            "http://localhost:{port}/fhir",
            "http://2130706433:{port}/fhir",
            "http://0177.0.0.1:{port}/fhir",
            "http://[::ffff:127.0.0.1]:{port}/fhir",
            "https://127.0.0.1:{port}/fhir",
            "http://127.0.0.1:{port}/FHIR",
            "http://169.254.169.254/latest/meta-data",
        ],
    )
    def test_a_server_that_is_not_registered_is_never_asked(self, named: str) -> None:
        with serving(record()) as fhir, clinic(fhir.base) as service:
            request = without_prefetch(named.format(port=fhir.port), fhirAuthorization=authorization())
            issue = refused(post(service, request), 412)
        assert "fhirServer is not one of this client's FHIR servers" in issue["details"]["text"]
        assert fhir.asked == []

    @pytest.mark.parametrize(
        "extra", ["{host}/fhir?x=1", "{host}/fhir#x", "user@{host}/fhir", "user:secret@{host}/fhir"]
    )
    def test_an_address_that_is_no_base_is_a_bad_request_and_never_asked(self, extra: str) -> None:
        with serving(record()) as fhir, clinic(fhir.base) as service:
            named = f"http://{extra.format(host=f'127.0.0.1:{fhir.port}')}"
            issue = refused(post(service, without_prefetch(named, fhirAuthorization=authorization())), 400)
        assert issue["expression"] == ["fhirServer"]
        assert "secret" not in json.dumps(issue)
        assert fhir.asked == []

    def test_a_slash_at_the_end_and_capitals_of_the_host_make_no_difference(self) -> None:
        with serving(record()) as fhir, clinic(f"http://LOCALHOST:{fhir.port}/fhir/") as service:
            fhir.host = "localhost"
            answered(post(service, without_prefetch(f"{fhir.base}/")))
        assert fhir.asked

    def test_nobody_is_asked_when_nobody_is_registered(self) -> None:
        with serving(record()) as fhir, clinic() as service:
            refused(post(service, without_prefetch(fhir)), 412)
        assert fhir.asked == []

    def test_a_redirect_is_not_followed(self) -> None:
        with (
            serving(record()) as inside,
            serving(record(), faults={"Condition": "redirect"}) as fhir,
            clinic(fhir.base, inside.base) as service,
        ):
            fhir.elsewhere = f"{inside.base}/Condition"
            refused(post(service, without_prefetch(fhir, fhirAuthorization=authorization())), 412)
        assert fhir.asked
        assert inside.asked == []

    def test_a_patient_whose_id_leads_up_is_refused(self) -> None:
        request = without_prefetch("http://127.0.0.1/fhir")
        request["context"]["patientId"] = ".."
        with clinic("http://127.0.0.1/fhir") as service:
            assert refused(post(service, request), 400)["expression"] == ["context.patientId"]

    def test_no_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(record()) as proxy, serving(record()) as fhir, clinic(fhir.base) as service:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            answered(post(service, without_prefetch(fhir)))
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://EHR.example.org:443/fhir/", "https://ehr.example.org/fhir"),
        ("HTTP://ehr.example.org:80", "http://ehr.example.org"),
        ("https://[2001:DB8::1]:8443/r4", "https://[2001:db8::1]:8443/r4"),
        ("https://ehr.example.org/a/%2e%2e/b", None),
        ("https://ehr.example.org/a\\b", None),
        ("https://ehr.exämple.org/fhir", None),
        ("https://ehr.example.org:99999/fhir", None),
        ("ftp://ehr.example.org/fhir", None),
    ],
)
def test_addresses_are_compared_in_one_form(url: str, base: str | None) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize(
    ("url", "under"),
    [
        ("https://ehr.example.org/fhir?_getpages=1", True),
        ("https://EHR.example.org:443/fhir/Condition?page=2", True),
        ("https://ehr.example.org/fhirs?page=2", False),
        ("https://ehr.example.org.evil.org/fhir", False),
        ("https://ehr.example.org@evil.org/fhir", False),
        ("http://ehr.example.org/fhir?page=2", False),
        ("https://ehr.example.org:8443/fhir", False),
        ("https://ehr.example.org/fhir/%252e%252e/admin", False),
        ("https://ehr.example.org/fhir/..;x=1/admin", False),
    ],
)
def test_a_page_is_under_the_base_of_its_server_or_it_is_not(url: str, under: bool) -> None:
    assert is_under(url, "https://ehr.example.org/fhir") is under


@pytest.mark.parametrize(
    ("scope", "kind", "read", "search"),
    [
        ("patient/Observation.read", "Observation", "WHOLE", "WHOLE"),
        ("user/*.read", "Condition", "WHOLE", "WHOLE"),
        ("system/*.*", "Condition", "WHOLE", "WHOLE"),
        ("patient/*.*", "Patient", "WHOLE", "WHOLE"),
        ("patient/Observation.rs", "Observation", "WHOLE", "WHOLE"),
        ("patient/Observation.cruds", "Observation", "WHOLE", "WHOLE"),
        ("patient/Observation.r", "Observation", "WHOLE", "NONE"),
        ("patient/Observation.s", "Observation", "NONE", "WHOLE"),
        ("patient/Observation.rs?category=laboratory", "Observation", "PART", "PART"),
        ("patient/Observation.rs?category=laboratory user/Observation.s", "Observation", "PART", "WHOLE"),
        ("patient/Observation.write patient/Observation.cud", "Observation", "NONE", "NONE"),
        ("patient/Observation.sr patient/Observation. Observation.rs", "Observation", "NONE", "NONE"),
        ("patient/Condition.rs launch openid fhirUser", "Observation", "NONE", "NONE"),
        ("", "Observation", "NONE", "NONE"),
    ],
)
def test_a_scope_permits_what_it_says_in_either_version(scope: str, kind: str, read: str, search: str) -> None:
    scopes = Scopes(scope)
    assert scopes.permission(kind, "read") is Permission[read]
    assert scopes.permission(kind, "search") is Permission[search]


def test_what_a_site_has_named_is_its_private_networks_and_the_loopback_addresses_among_its_servers() -> None:
    known = Clients(anonymous=Anonymous(fhir=FhirAccess(servers=("http://127.0.0.1:8090/fhir", "https://10.0.0.1/r4"))))
    fhir = known.anonymous.fhir
    assert [str(one) for one in networks_of(fhir.servers, ("10.1.0.0/16",))] == ["10.1.0.0/16", "127.0.0.1/32"]
