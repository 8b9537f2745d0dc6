"""The one place that says how the web server runs: `python -m smartcitizen.webserver`.

`make run` and the container image start it the same way. Why granian, and what its options are
for: docs/decisions/web-server.md.
"""

from __future__ import annotations

import os
import sys

from django.conf import settings

# Seconds that a request under way has at the end. A client that reads nothing would otherwise keep
# a worker for ever.
FINISH_SECONDS = 25
# Threads a worker: part of a request is waiting for PostgreSQL. More only compete.
THREADS = min(8, 2 * (os.cpu_count() or 1) + 1)
# Seconds to send the head of a request, and to keep an idle connection.
HEAD_SECONDS = 30


def command() -> list[str]:
    """The command line of the web server, listening on HOST and PORT."""
    options = {
        "interface": "wsgi",
        "host": settings.HOST,
        "port": settings.PORT,
        "http": "1",
        "workers": settings.WEB_WORKERS,
        "blocking-threads": THREADS,
        "workers-kill-timeout": FINISH_SECONDS,
        "http1-header-read-timeout": HEAD_SECONDS * 1000,
        "log-level": "warning",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    switches = ["--no-ws", "--respawn-failed-workers"]
    return [sys.executable, "-m", "granian", *words, *switches, "smartcitizen.wsgi:application"]


def main() -> None:
    """Become the web server: the same process, so that signals reach it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
    words = command()
    os.execv(words[0], words)


if __name__ == "__main__":
    main()
