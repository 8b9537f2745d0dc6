"""What the tests of clients share: how they say which client did what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Say = Callable[[str, str, str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """`say(client, act, outcome)` prints a line, whatever pytest captures."""

    def line(client: str, act: str, outcome: str) -> None:
        with capsys.disabled():
            print(f"\n{client}: {act}: {outcome}", end=" ")

    return line
