"""What a web server does in trouble: each probe does one unkind thing and says what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable

ADDRESS = "127.0.0.1"


def _ask(port: int, path: str, headers: str = "", seconds: float = 10) -> bytes:
    """One request on a connection of its own; the whole answer, or what came of it."""
    answer = b""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n"
    with (
        contextlib.suppress(OSError),
        socket.create_connection((ADDRESS, port), timeout=seconds) as connection,
    ):
        connection.sendall(request.encode())
        while piece := connection.recv(65536):
            answer += piece
    return answer


def _worker(port: int) -> int:
    """The process that answered."""
    return int(json.loads(_ask(port, "/pid").split(b"\r\n\r\n", 1)[1])["pid"])


def _others(port: int) -> str:
    """How eight good requests at once fare; eight, as each worker takes some of them."""
    seconds: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        if b" 200 " in _ask(port, "/small", seconds=40)[:20]:
            seconds.append(time.monotonic() - began)

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    lost = f", {8 - len(seconds)} of 8 not within 40 s" if len(seconds) < 8 else ""
    return f"answered in {max(seconds, default=40):.2f} s at most{lost}"


def stop_in_flight(process: subprocess.Popen[bytes], port: int) -> str:
    """SIGTERM while a request of two seconds is under way."""
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(port, "/slow")))
    asking.start()
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    asking.join()
    process.wait(30)
    outcome = "finished" if answers[0].endswith(b"whole\n") else "lost"
    return f"{outcome}, gone after {time.monotonic() - began:.1f} s, exit code {process.returncode}"


def killed_worker(process: subprocess.Popen[bytes], port: int) -> str:
    """SIGKILL to one of the workers."""
    began = time.monotonic()
    killed = _worker(port)
    os.kill(killed, signal.SIGKILL)
    failed, seen = 0, set[int]()
    while len(seen - {killed}) < 2 and time.monotonic() - began < 15:
        try:
            seen.add(_worker(port))
        except (ValueError, IndexError):
            failed += 1
        time.sleep(0.01)
    alive = "both serve again" if len(seen - {killed}) > 1 else "one worker is left"
    return f"{alive} after {time.monotonic() - began:.1f} s, {failed} requests failed"


def long_header(process: subprocess.Popen[bytes], port: int) -> str:
    """A header of 16 kB, as an old kit's data may be, and one of 1 MB."""
    long = _ask(port, "/pid", f"X-Long: {'x' * 16384}\r\n")
    endless = _ask(port, "/pid", f"X-Long: {'x' * 1_000_000}\r\n")
    words = [answer.split(b"\r\n", 1)[0].decode()[9:] or "cut off" for answer in (long, endless)]
    return "16 kB: {}; 1 MB: {}".format(*words)


def slow_senders(process: subprocess.Popen[bytes], port: int) -> str:
    """How others fare while 200 connections never finish their headers."""
    held = [socket.create_connection((ADDRESS, port), timeout=5) for _ in range(200)]
    for connection in held:
        connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    time.sleep(0.5)
    outcome = _others(port)
    for connection in held:
        connection.close()
    return outcome


def slow_readers(process: subprocess.Popen[bytes], port: int) -> str:
    """How others fare while 40 clients ask for 1.5 MB and read nothing."""
    held = []
    for _ in range(40):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((ADDRESS, port))
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        held.append(connection)
    time.sleep(0.5)
    outcome = _others(port)
    for connection in held:
        connection.close()
    return outcome


def leaving_clients(process: subprocess.Popen[bytes], port: int) -> str:
    """How others fare after 40 clients asked for two seconds' work and left."""
    for _ in range(40):
        with socket.create_connection((ADDRESS, port), timeout=5) as connection:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return _others(port)


def kept_connection(process: subprocess.Popen[bytes], port: int) -> str:
    """A second request on one connection, 5 s after the first."""
    with socket.create_connection((ADDRESS, port), timeout=5) as connection:
        for pause in (5, 0):
            answer = b""
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n")
                while not answer.endswith(b"}") and (piece := connection.recv(65536)):
                    answer += piece
            time.sleep(pause)
    return "answered" if b" 200 " in answer[:20] else "closed before"


def old_kit(process: subprocess.Popen[bytes], port: int) -> str:
    """The request line and headers of an old kit, with a stray space and bare line feeds."""
    with socket.create_connection((ADDRESS, port), timeout=5) as connection:
        connection.sendall(
            b"GET /small HTTP/1.1 \nHost: localhost\nUser-Agent: SmartCitizen \n\r\n"
        )
        try:
            return connection.recv(64).split(b"\r\n", 1)[0].decode()[9:] or "cut off"
        except OSError:
            return "cut off"


PROBES: dict[str, Callable[[subprocess.Popen[bytes], int], str]] = {
    "SIGTERM with a request of 2 s under way": stop_in_flight,
    "a worker is killed": killed_worker,
    "long headers": long_header,
    "200 clients never finish their headers": slow_senders,
    "40 clients never read their 1.5 MB": slow_readers,
    "40 clients ask for 2 s of work and leave": leaving_clients,
    "a connection idle for 5 s": kept_connection,
    "an old kit's loose bytes": old_kit,
}
