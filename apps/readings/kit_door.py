"""An HTTP server for old kits alone, which speak it loosely, on a port of its own.

Their request line ends in a space and a bare line feed, there is neither body nor Content-Length,
and sometimes a stray `]` follows (contract: In by old kits). Python's own parser takes that; the
servers that are fast enough for everything else do not. It serves `/add` and `/datetime` through
the same application as everyone else, and nothing more.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler

from django.conf import settings

logger = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[str, list[tuple[str, str]], bytes]

SERVED = re.compile(r"/(v0/)?(add|datetime)/?")
NOT_FOUND = b'{"id":"not_found","message":"Endpoint not found","errors":null,"url":null}'
BUSY_BODY = (
    b'{"id":"service_unavailable","message":"Too many connections","errors":null,"url":null}'
)
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 30\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BUSY_BODY), BUSY_BODY)
)
# What kits send beside their requests, and is no request
STRAY = {b"", b"]"}
MAX_STRAY_LINES = 8
# Twenty rows make a header of 3.4 KB; 16 KB are promised, and the other headers have room too.
MAX_HEAD = 24 * 1024
MAX_UNREAD = 64 * 1024
# A header, or the rest of the one before; what else there may be is no header.
HEADER = re.compile(rb"[!-9;-~]+:|[\t ]")
# Seconds: between two pieces of a request, for a connection in all, and to take the last answer
IDLE = 10
LIFETIME = 60
FAREWELL = 1


class Head:
    """The head of one request: as much as it may be long, and whole, or it is not a request."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.left = MAX_HEAD

    def readline(self, size: int = -1) -> bytes:
        """The next line of headers, as the parser expects it.

        A line that is no header is left out, where the parser would take all that follows for a
        body. Raises ConnectionError where the kit is cut off: half of its headers must not be
        answered as if they were all.
        """
        while True:
            line = self.line()
            if not line.endswith(b"\n"):
                raise ConnectionError("cut off")
            text = line.rstrip(b"\r\n")
            if not text or HEADER.match(text):
                return text.replace(b"\r", b" ") + b"\r\n"

    def line(self) -> bytes:
        """The next line as it came; `LineTooLong`, which is answered 431, beyond the limit."""
        line: bytes = self.stream.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise http.client.LineTooLong("head of a request")
        return line


class KitHandler(WSGIRequestHandler):
    """One connection of a kit: its requests, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = sys_version = ""
    error_content_type = "application/json"
    error_message_format = (
        '{"id":"bad_request","message":"This is no request of a kit","errors":null,"url":null}'
    )
    timeout = IDLE
    wbufsize = -1  # an answer leaves in one piece: kits read it with little patience
    server: KitDoor

    def handle(self) -> None:
        """Serve requests until the kit leaves, falls silent or sends what is no request."""
        with contextlib.suppress(OSError):
            BaseHTTPRequestHandler.handle(self)

    def handle_one_request(self) -> None:
        """Read one request, loosely, and answer it."""
        stream = cast(Any, self.rfile)
        head = Head(stream)
        self.close_connection = True
        try:
            self.raw_requestline = self._request_line(head)
            if not self.raw_requestline:
                return
            self.rfile = head  # type: ignore[assignment]
            if not self.parse_request():
                return  # it has been answered why
        except http.client.LineTooLong:
            self.send_error(431)
            return
        finally:
            self.rfile = stream
        self.respond(stream)

    def _request_line(self, head: Head) -> bytes:
        """The next line that is no stray one; empty where the kit has left."""
        for _ in range(MAX_STRAY_LINES):
            line = head.line()
            if not line or line.strip() not in STRAY:
                return line
        return b""

    def respond(self, stream: Any) -> None:
        """Answer the request that was read; one with a body ends the connection unread."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        handler = ServerHandler(
            stream, cast(Any, self.wfile), self.get_stderr(), self.get_environ()
        )
        handler.http_version = "1.1"
        handler.server_software = ""
        handler.request_handler = self  # type: ignore[attr-defined]
        handler.run(self.server.application)

    def get_environ(self) -> dict[str, Any]:
        """The request for the application.

        Kits name hosts of the past, or none; what proxies would add is not a kit's to say.
        """
        environ = super().get_environ()
        for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED")]:
            del environ[name]
        environ["HTTP_HOST"] = settings.KIT_HOSTS[0]
        environ["CONTENT_LENGTH"] = ""
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """One line a request, without its headers: what a kit sends is in the database."""
        text = (format % args).encode("unicode_escape").decode()  # no control characters
        logger.info("%s %s", self.address_string(), text)


class KitDoor(ThreadingTCPServer):
    """A thread for each connection, bounded; the application runs in a few threads of its own.

    Slow kits hold up threads that cost next to nothing, and no connection to the database.
    """

    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True
    # wsgiref's handler reads these.
    multithread = True
    multiprocess = False

    def __init__(
        self,
        address: tuple[str, int],
        application: Application,
        connections: int = 500,
        of_one_address: int = 100,
        threads: int = 8,
    ) -> None:
        self.inner = application
        self.pool = ThreadPoolExecutor(threads, "kit")
        self.most = connections
        self.most_of_one = of_one_address
        self.open: dict[socket.socket, tuple[float, str]] = {}
        self.lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, KitHandler)
        host, port = self.server_address[:2]
        self.base_environ = {
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_HOST": "",
            "SCRIPT_NAME": "",
        }

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The application for kits: two paths, in threads that keep their database connections."""
        if not SERVED.fullmatch(environ["PATH_INFO"]):
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [NOT_FOUND]
        if "datetime" in environ["PATH_INFO"]:  # asks the database nothing, so waits for no one
            status, headers, body = self._run(environ)
        else:
            status, headers, body = self.pool.submit(self._run, environ).result()
        start_response(status, headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _run(self, environ: dict[str, Any]) -> Answer:
        """Run the application to its end, which also ends the request for Django."""
        begun: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> None:
            begun[:] = [status, headers]

        chunks = self.inner(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return begun[0], begun[1], body

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, or turn it away where there are too many: the kit comes again.

        No address may take them all; a school of kits behind one address is let in.
        """
        host = str(client_address[0])
        with self.lock:
            of_this = sum(address == host for _, address in self.open.values())
            full = len(self.open) >= self.most or of_this >= self.most_of_one
            if not full:
                self.open[request] = (time.monotonic(), host)
        if full:
            logger.warning("too many connections: %s turned away", client_address[0])
            self._turn_away(request)
            return
        super().process_request(request, client_address)

    def _turn_away(self, request: Any) -> None:
        """Say so and close; whoever is slow to send or to listen does not hold up the others."""
        request.setblocking(False)
        with contextlib.suppress(OSError):
            request.send(BUSY)
            request.recv(MAX_HEAD)  # what is left unread would reset the connection
        super().shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """End a connection so that the kit gets the answer, whatever it sent beside the request.

        Closing with something unread would reset the connection, and the kit might lose it.
        """
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(FAREWELL)
            unread = 0
            while unread < MAX_UNREAD and (piece := request.recv(4096)):
                unread += len(piece)
        with self.lock:
            self.open.pop(request, None)
        self.close_request(request)

    def service_actions(self) -> None:
        """Twice a second: end connections that have lived too long, however slowly they send."""
        too_old = time.monotonic() - LIFETIME
        with self.lock:
            for connection, (since, _) in self.open.items():
                if since < too_old:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours is logged with its stack; the connection ends without the clock."""
        logger.exception("connection of %s", client_address[0])

    def drain(self, seconds: float) -> None:
        """After `shutdown`: let requests that are being served end, for so many seconds at most."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline:
            time.sleep(0.05)
        self.pool.shutdown(wait=False, cancel_futures=True)
