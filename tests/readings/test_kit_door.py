"""The door of the old kits, over real sockets: loose bytes, slow senders, unkind endings.

The application behind it is a stub here; tests of the whole way are in test_make_run.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from apps.readings.kit_door import KitDoor, KitHandler

CLOCK = b"UTC:2026,11,2,09,05,07#"
HEADERS = (
    b"Host: data.smartcitizen.me\n"
    b"User-Agent: SmartCitizen \n"
    b"X-SmartCitizenMacADDR: 00:06:66:2A:02:B3\r\n"
    b"X-SmartCitizenVersion: 1.1-0.8.5-A\r\n"
    b'X-SmartCitizenData: [{"temp":"25132","timestamp":"2026-11-02 09:05:00"}]\r\n'
    b"\r\n"
)
POST = b"PUT /add HTTP/1.1 \n" + HEADERS
TIME = b"GET /datetime HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n\r\n"
LAST = POST.replace(b"\n\r\n", b"\nConnection: close\r\n\r\n")


class Stub:
    """Answers the clock, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.ended = 0
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(environ)
        self.hold.wait(10)
        if "X_FAULT" in environ.get("HTTP_X_SMARTCITIZENVERSION", ""):
            raise RuntimeError("a fault of ours")
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(CLOCK)))]
        start("200 OK", headers)
        return Answer(self)


class Answer:
    """A body that has to be closed, as Django's are: that ends the request."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub

    def __iter__(self) -> Iterator[bytes]:
        yield CLOCK

    def close(self) -> None:
        """Counts."""
        self.stub.ended += 1


@contextmanager
def listening(stub: Stub, **limits: int) -> Iterator[KitDoor]:
    """A door on a port of its own."""
    with KitDoor(("127.0.0.1", 0), stub, **limits) as door:
        loop = threading.Thread(target=door.serve_forever, args=(0.05,))
        loop.start()
        yield door
        door.shutdown()
        door.drain(seconds=5)
        loop.join()


@pytest.fixture
def stub() -> Stub:
    """The application behind the door."""
    return Stub()


@pytest.fixture
def door(stub: Stub) -> Iterator[KitDoor]:
    """A door with the limits it is run with."""
    with listening(stub) as door:
        yield door


def connect(door: KitDoor) -> socket.socket:
    """A kit's connection."""
    return socket.create_connection(("127.0.0.1", door.server_address[1]), timeout=10)


def receive(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection; a reset is an error."""
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    return answer


def ask(door: KitDoor, request: bytes) -> bytes:
    """Send bytes on a connection of their own and return everything that comes back."""
    with connect(door) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return receive(connection)


@pytest.mark.parametrize("line", [b"PUT /add HTTP/1.1 \n", b"PUT /add HTTP/1.1\n"])
@pytest.mark.parametrize("stray", [b"", b"]\r\n\r\n", b"\r\n"])
def test_the_loose_bytes_of_every_firmware_are_answered_the_clock(
    door: KitDoor, stub: Stub, line: bytes, stray: bytes
) -> None:
    answer = ask(door, line + HEADERS + stray)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + CLOCK)
    assert answer.count(b"HTTP/1.1") == 1
    (environ,) = stub.seen
    assert environ["REQUEST_METHOD"] == "PUT"
    assert environ["HTTP_X_SMARTCITIZENMACADDR"] == "00:06:66:2A:02:B3"
    assert environ["HTTP_X_SMARTCITIZENVERSION"] == "1.1-0.8.5-A"
    assert json.loads(environ["HTTP_X_SMARTCITIZENDATA"])[0]["temp"] == "25132"
    assert environ["HTTP_USER_AGENT"] == "SmartCitizen"


def test_an_answer_is_not_lost_to_bytes_that_nobody_read(door: KitDoor) -> None:
    with connect(door) as connection:
        connection.sendall(LAST + b"]\r\n\r\n" + b"x" * 20_000)
        time.sleep(0.3)
        assert receive(connection).endswith(CLOCK)


def test_a_kit_may_ask_the_time_and_post_on_one_connection(door: KitDoor, stub: Stub) -> None:
    answer = ask(door, TIME + b"]\r\n\r\n" + POST + b"]\r\n\r\n" + LAST)
    assert answer.count(CLOCK) == 3
    assert [environ["PATH_INFO"] for environ in stub.seen] == ["/datetime", "/add", "/add"]


@pytest.mark.parametrize("path", ["/add/", "/v0/add", "/v0/add/", "/v0/datetime", "/datetime/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT"])
def test_both_paths_are_served_in_all_their_forms(door: KitDoor, method: str, path: str) -> None:
    assert ask(door, f"{method} {path} HTTP/1.1\r\n\r\n".encode()).endswith(CLOCK)


@pytest.mark.parametrize("path", ["/", "/v0/devices", "/admin/", "/addition", "/add/../v0/me"])
def test_nothing_else_is_served(door: KitDoor, stub: Stub, path: str) -> None:
    answer = ask(door, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1]) == {
        "id": "not_found",
        "message": "Endpoint not found",
        "errors": None,
        "url": None,
    }
    assert stub.seen == []


@pytest.mark.parametrize(
    "rubbish", [b"", b"]\r\n" * 100, b"\x16\x03\x01\x02\x00" * 50 + b"\r\n\r\n", b"hello\r\n\r\n"]
)
def test_what_is_no_request_does_no_harm(door: KitDoor, stub: Stub, rubbish: bytes) -> None:
    ask(door, rubbish)
    assert stub.seen == []
    assert ask(door, POST).endswith(CLOCK)


def test_data_of_16_kb_fit_and_a_head_without_end_is_refused(door: KitDoor, stub: Stub) -> None:
    assert ask(door, POST.replace(b"25132", b"2" * 16 * 1024)).endswith(CLOCK)
    answer = ask(door, b"GET /add HTTP/1.1\r\n" + b"X-A: b\r\n" * 5_000)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert len(stub.seen) == 1


def test_a_body_is_not_read_and_is_no_second_request(door: KitDoor, stub: Stub) -> None:
    request = POST.replace(b"\n\r\n", b"\nContent-Length: %d\r\n\r\n" % len(POST))
    answer = ask(door, request + POST)
    assert (answer.count(CLOCK), len(stub.seen)) == (1, 1)


def test_what_only_a_proxy_may_say_is_not_passed_on(door: KitDoor, stub: Stub) -> None:
    forged = (
        b"GET /add HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
        b"X-Forwarded-Proto: https\r\nX_Forwarded_Host: evil.example\r\n\r\n"
    )
    ask(door, forged)
    (environ,) = stub.seen
    assert not [name for name in environ if name.startswith("HTTP_X_FORWARDED")]
    assert environ["HTTP_HOST"] == "data.smartcitizen.me"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


def test_every_request_is_ended_for_the_application(door: KitDoor, stub: Stub) -> None:
    ask(door, POST)
    assert stub.ended == 1


def test_slow_and_silent_kits_hold_up_nobody(door: KitDoor) -> None:
    with ExitStack() as held:
        for number in range(90):
            connection = held.enter_context(connect(door))
            connection.sendall(POST[: number % len(POST)])
        began = time.monotonic()
        assert ask(door, POST).endswith(CLOCK)
        assert time.monotonic() - began < 1


def test_a_kit_that_stops_in_the_middle_is_let_go(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KitHandler, "timeout", 0.2)
    with listening(stub) as door, connect(door) as connection:
        connection.sendall(POST[:60])
        began = time.monotonic()
        assert receive(connection) == b""
        assert time.monotonic() - began < 5


def test_a_kit_that_sends_byte_by_byte_for_ever_is_let_go(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.readings.kit_door.LIFETIME", 0.3)
    with listening(stub) as door, connect(door) as connection:
        began = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT011 (reset or broken pipe, as the kernel finds)
            while time.monotonic() - began < 10:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def assert_turned_away(answer: bytes) -> None:
    """The answer is an error as all others are, which no kit takes for the clock."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 30\r\n" in head
    assert json.loads(body) == {
        "id": "service_unavailable",
        "message": "Too many connections",
        "errors": None,
        "url": None,
    }
    assert f"Content-Length: {len(body)}".encode() in head


def test_more_connections_than_allowed_are_turned_away_and_room_comes_back(stub: Stub) -> None:
    with listening(stub, connections=2) as door:
        first, second = connect(door), connect(door)
        first.sendall(POST)
        first.recv(65536)
        second.sendall(POST)
        second.recv(65536)
        with connect(door) as third:
            assert_turned_away(receive(third))
        first.close()
        second.close()
        deadline = time.monotonic() + 5
        while door.open and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ask(door, POST).endswith(CLOCK)


def test_a_request_under_way_is_finished_at_the_end(stub: Stub) -> None:
    stub.hold.clear()
    answers: list[bytes] = []
    with listening(stub) as door:
        kit = threading.Thread(target=lambda: answers.append(ask(door, POST)))
        kit.start()
        while not stub.seen:
            time.sleep(0.01)
        threading.Timer(0.3, stub.hold.set).start()
    kit.join()
    assert answers[0].endswith(CLOCK)


def test_a_fault_of_ours_tells_no_time(
    door: KitDoor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(door, POST.replace(b"1.1-0.8.5-A", b"X_FAULT"))
    assert CLOCK not in answer
    assert b"a fault of ours" not in answer
    assert ask(door, POST).endswith(CLOCK)


def test_a_request_is_one_line_in_the_log_without_its_data(
    door: KitDoor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        ask(door, POST)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith('127.0.0.1 "PUT /add HTTP/1.1')
    assert "25132" not in line
    assert "\n" not in line


@pytest.mark.parametrize("cut", range(len(POST) - len(HEADERS), len(POST) - 2, 7))
def test_half_a_request_is_never_answered_as_a_whole_one(
    door: KitDoor, stub: Stub, cut: int
) -> None:
    """A kit that is cut off in its headers must not hear the clock: it would forget its rows."""
    with connect(door) as connection:
        connection.sendall(POST[:cut])
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection) == b""
    assert stub.seen == []


@pytest.mark.parametrize(
    "odd", [b"User-Agent SmartCitizen\n", b"Two Words: x\n", b"\xff\xfe\n", b"A: Smart\rCitizen\n"]
)
def test_an_odd_line_hides_none_of_the_headers_behind_it(
    door: KitDoor, stub: Stub, odd: bytes
) -> None:
    request = b"PUT /add HTTP/1.1 \n" + odd + HEADERS
    assert ask(door, request).endswith(CLOCK)
    assert stub.seen[0]["HTTP_X_SMARTCITIZENMACADDR"] == "00:06:66:2A:02:B3"
    assert "25132" in stub.seen[0]["HTTP_X_SMARTCITIZENDATA"]


def test_no_address_takes_all_connections(stub: Stub) -> None:
    with listening(stub, of_one_address=2) as door, ExitStack() as held:
        for _ in range(2):
            held.enter_context(connect(door))
        time.sleep(0.2)
        with connect(door) as one_too_many:
            assert_turned_away(receive(one_too_many))


def test_head_has_no_body(door: KitDoor) -> None:
    answer = ask(door, b"HEAD /datetime HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
