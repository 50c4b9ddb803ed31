"""Where this service may connect to: every address is judged after its name was resolved, and that one is connected to.

A request names the FHIR server, so that whoever can call could have this service knock at doors of the inside. The
addresses of private use, of this machine and of one link are therefore shut, unless the site has named their network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import httpcore

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text."""

UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))
"""When everything that the present thread reads and writes must be over, by `time.monotonic`.

A timeout of its own for each read would let a server that sends a byte now and then go on for ever.
"""

_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_CARRIES_V4 = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))  # 6to4, Teredo
_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")  # 6to4 (RFC 7526)
_PORTS = {"http": 80, "https": 443}


class AddressRefused(httpcore.ConnectError):
    """A host that resolved to an address where nothing may be connected to."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def is_public(address: Address) -> bool:
    """Whether an address is one of the open network; those that carry another one inside (NAT64, 6to4) are none."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and address not in _RELAYS
    inside = any(address in network for network in _CARRIES_V4)
    return address.is_global and address in _GLOBAL_V6 and not inside


def is_open(address: Address, networks: Iterable[Network], *, plain: bool) -> bool:
    """Whether an address may be connected to: a public one, or one in `networks`.

    `plain` says that the connection is not encrypted; then it stays on this machine.
    """
    named = any(address.version == network.version and address in network for network in networks)
    return (named or is_public(address)) and (address.is_loopback or not plain)


class TimedNetwork(httpcore.NetworkBackend):
    """Connects to the first address of a host that answers; everything on a connection keeps to `UNTIL`."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers; each has its share of the time that is left.

        Raises:
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name of the server is not known") from None
        addresses = [ipaddress.ip_address(one) for one in found]
        self.judge(addresses)
        for further, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            left = _left(httpcore.ConnectTimeout)
            share = left and left / (further + 1)
            try:
                # An address is no name: nothing is resolved again, so that no second answer can lead elsewhere.
                stream = httpcore.SyncBackend().connect_tcp(str(address), port, share, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not further:
                    raise
            else:
                return _TimedStream(stream)
        raise httpcore.ConnectError("the name of the server has no address")

    def judge(self, addresses: Sequence[Address]) -> None:
        """Whether a host at these addresses may be connected to: here, any."""


class CheckedNetwork(TimedNetwork):
    """Connects to an address only after it was judged; `networks` are those that the site has named."""

    def __init__(self, networks: Sequence[Network], *, plain: bool, resolve: Resolve = resolve) -> None:
        super().__init__(resolve)
        self._networks, self._plain = networks, plain

    def judge(self, addresses: Sequence[Address]) -> None:
        """Refuse a host of which one address is shut.

        Raises:
            AddressRefused: one is, or there is none.
        """
        if not addresses or not all(is_open(one, self._networks, plain=self._plain) for one in addresses):
            raise AddressRefused("the server is at an address that is not open")


class _TimedStream(httpcore.NetworkStream):
    """A connection on which all reads and writes of a request together keep to `UNTIL`."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(late: type[Exception]) -> float | None:
    """Seconds until `UNTIL`.

    Raises:
        late: it has passed.
    """
    left = UNTIL.get() - time.monotonic()
    if left <= 0:
        raise late("the time is up")
    return left if left != float("inf") else None


def networks_of(servers: Iterable[str], private: Iterable[str]) -> tuple[Network, ...]:
    """The networks that a site has named: private ones, and the addresses of this machine among its servers."""
    named = [ipaddress.ip_network(one) for one in private]
    for server in servers:
        host = urlsplit(server).hostname or ""
        for text in ("127.0.0.1", "::1") if host == "localhost" else (host,):
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if address.is_loopback:
                named.append(ipaddress.ip_network(address))
    return tuple(dict.fromkeys(named))


def is_address(url: str) -> bool:
    """Whether it is an address on the web that can be asked: http or https, a host, no user, no fragment."""
    return _parts(url) is not None


def base_of(url: str) -> str | None:
    """An address of a FHIR server in the one form in which it is compared; None when it cannot be such an address."""
    parts = _parts(url)
    if parts is None or parts.query or "?" in url or not _stays(parts.path):
        return None
    return f"{_origin(parts)}{parts.path.rstrip('/')}"


def is_under(url: str, base: str) -> bool:
    """Whether `url` is on the server with this `base_of`: same origin, and at its path or below."""
    parts = _parts(url)
    if parts is None or not _stays(parts.path):
        return False
    place = f"{_origin(parts)}{parts.path}"
    return place.rstrip("/") == base or place.startswith(f"{base}/")


def _parts(url: str) -> SplitResult | None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or "#" in url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _origin(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _stays(path: str) -> bool:
    """Whether no step of a path leads up, in whatever way it is written."""
    plain = unquote(unquote(path)).replace("\\", "/")
    # Some servers cut off what follows a semicolon before they take a step.
    return not any(step.partition(";")[0] in (".", "..") for step in plain.split("/"))
