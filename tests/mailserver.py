"""A mail server for tests: takes mails by SMTP, or hangs at them, and keeps what it took."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import Message

from tests.live import free_port


class MailServer:
    """What it took, and whether it says so."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[Message] = []
        self.arrived = threading.Condition()
        # While it is cleared, mails are taken and no answer is given: nobody knows whether.
        self.answers = threading.Event()
        self.answers.set()

    def wait_for(self, number: int, seconds: float = 30) -> list[Message]:
        """So many mails, once they are here."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.taken) >= number, seconds), self.taken
        return self.taken

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen on the port."""
        keeper = self

        class Session(socketserver.StreamRequestHandler):
            """One connection (RFC 5321, as much of it as a client needs)."""

            def handle(self) -> None:
                """Answer until the client leaves."""
                self.say("220 ready")
                while line := self.rfile.readline():
                    match line.strip().upper()[:4]:
                        case b"DATA":
                            self.say("354 go on")
                            self.take()
                        case b"QUIT":
                            self.say("221 bye")
                            return
                        case _:
                            self.say("250 fine")

            def take(self) -> None:
                """Keep a mail, then say so."""
                lines = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line)
                with keeper.arrived:
                    keeper.taken.append(message_from_bytes(b"".join(lines)))
                    keeper.arrived.notify_all()
                keeper.answers.wait(60)
                self.say("250 taken")

            def say(self, text: str) -> None:
                """One line of answer; a client that is gone hears nothing."""
                with suppress(OSError):
                    self.wfile.write(f"{text}\r\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            """A thread for each connection."""

            allow_reuse_address = True
            daemon_threads = True

        with Server(("127.0.0.1", self.port), Session) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield
            self.answers.set()
            server.shutdown()
            thread.join()
