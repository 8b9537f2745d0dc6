"""What the tests of clients share: how they say which client did what."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

Say = Callable[[str, str, str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """`say(client, act, outcome)` prints a line, whatever pytest captures."""

    def line(client: str, act: str, outcome: str) -> None:
        with capsys.disabled():
            print(f"\n{client}: {act}: {outcome}", end=" ")

    return line


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait until something holds; returns it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found
