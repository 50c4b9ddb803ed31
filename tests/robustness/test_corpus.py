"""Public FHIR records that nobody here wrote are read without a crash, and invent no denosumab."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from rules.reasoning.facts.drugs import is_denosumab
from service.fhir.reader import Document, UnreadableDocument
from tests.unit.fhir.records import READER

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "corpus"
FILES = sorted(CORPUS.rglob("*.gz")) if CORPUS.is_dir() else []


@pytest.mark.skipif(not FILES, reason="shared/data is not beside the checkout")
def test_every_public_record_is_read_or_refused_by_name() -> None:
    read, refused = 0, []
    for path in FILES:
        name = path.name.removesuffix(".gz")
        try:
            reading = READER.read([Document(name, gzip.decompress(path.read_bytes()))], as_of=date(2026, 3, 1))
        except UnreadableDocument as error:
            refused.append((name, str(error)))
            continue
        read += 1
        for timeline in reading.timelines:
            assert not [one.reference for one in timeline.events if is_denosumab(one.concepts)]
            assert all(one.reason for one in timeline.unusable)
    assert all(name in reason for name, reason in refused)
    assert read > 100
