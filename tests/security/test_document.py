"""docs/security.md names tests for what it promises: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
RISKS = 10


def test_every_test_that_the_document_names_exists_and_every_risk_names_some() -> None:
    document = (ROOT / "docs" / "security.md").read_text()
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in DEFINED.findall(file.read_text())
    }
    assert not set(NAMED.findall(document)) - defined
    rows = re.findall(r"^\| API\d+:2023 .*$", document, re.MULTILINE)
    assert len(rows) == RISKS
    assert all(NAMED.search(row) for row in rows)
