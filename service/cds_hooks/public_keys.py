"""The public keys of CDS clients (JWK Set, RFC 7517): which key of a set may have made a signature, and which never."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jwt

MAX_KEYS = 100
"""More keys than a set of one client can need."""

_KEY_OF = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The one type and curve of key that an algorithm takes (RFC 7518, 3.1; RFC 8037, 3.1)."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def public_key(keys: Mapping[str, Any], kid: str, algorithm: str) -> jwt.PyJWK | None:
    """The key called `kid` in a JWK Set, when it is one that `algorithm` takes; `kid` is compared and nothing else."""
    for one in keys.get("keys", ()):
        if isinstance(one, dict) and one.get("kid") == kid and not any(faults(one, (algorithm,))):
            return jwt.PyJWK(one, algorithm)
    return None


def faults(key: Any, algorithms: tuple[str, ...]) -> Iterator[str]:
    """Why a JWK cannot prove a signature of any of `algorithms`, each in words that follow the name of the key."""
    if not isinstance(key, dict):
        yield "must be a mapping"
        return
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        yield "needs a kid, the name by which a token asks for it"
    if _PRIVATE & set(key):
        yield "holds a private or a shared key; only public keys belong here, and this one is no longer secret"
        return
    operations = key.get("key_ops", ["verify"])
    if key.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        yield "is not meant for signatures (use, key_ops)"
    fitting = [one for one in algorithms if _fits(key, one)]
    if not fitting:
        yield f"has a type, a curve or an alg that none of {', '.join(algorithms)} takes"
        return
    try:
        made = jwt.PyJWK(key, fitting[0])
        weak = made.Algorithm.check_key_length(made.key)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        yield "is not a complete JWK"
        return
    if weak:
        yield "is too short to be safe; an RSA key needs 2048 bits"


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kind, curve = _KEY_OF.get(algorithm, (None, None))
    return key.get("kty") == kind and key.get("alg", algorithm) == algorithm and (not curve or key.get("crv") == curve)
