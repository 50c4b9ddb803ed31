"""Use durable_rules as its documents say, in the way known to read out of bounds: `make asan` must see it.

A join whose last test is false makes durable_rules 2.0.28 read past the end of its expressions.
"""

from __future__ import annotations

import json

import durable_rules_engine  # type: ignore[import-not-found]  # untyped C extension

JOIN = {"$and": [{"kind": "b"}, {"$gt": {"x": {"first": "x"}}}]}
RULES = {"late": {"all": [{"first": {"kind": "a"}}, {"second": JOIN}]}}

handle = durable_rules_engine.create_ruleset("wrong", json.dumps(RULES))
for number in range(50):
    for kind, x in (("a", 5), ("b", 1)):
        fact = {"id": f"{kind}{number}", "sid": "0", "kind": kind, "x": x}
        durable_rules_engine.assert_fact(handle, json.dumps(fact))
