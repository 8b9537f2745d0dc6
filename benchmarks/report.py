"""Runs the benchmarks one after the other, and prints one report in Markdown.

    DATABASE_URL=… REDIS_URL=… python benchmarks/report.py [history,exports]

Without names it runs all of BENCHMARKS, which is half an hour; `make bench` calls it with servers
that commit durably. The report goes to the standard output, what the benchmarks complain about to
the standard error. Ends with 1 where one of them failed, after the others.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

from ingest import durable
from reads import HERE

# What each measures
BENCHMARKS = {
    "servers": "Web servers, beside each other",
    "ingest": "Readings coming in",
    "history": "The history of a sensor",
    "exports": "Files of readings, and the world map",
    "bytes": "Bytes of a reading",
    "reads": "Devices, users, sensors and the map",
}
YARDSTICKS = {
    "influxd": "InfluxDB",
    "victoria-metrics": "VictoriaMetrics",
    "nginx": "nginx",
    "wrk": "wrk",
}


def chosen(names: str) -> list[str]:
    """The benchmarks that are named, in the order of the report; all where none is."""
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := sorted(wanted - BENCHMARKS.keys()):
        sys.exit(f"no benchmark: {', '.join(unknown)}. There are {', '.join(BENCHMARKS)}")
    return [name for name in BENCHMARKS if not wanted or name in wanted]


def head() -> str:
    """On what it runs, how busy that is, and which yardsticks are missing."""
    missing = [name for program, name in YARDSTICKS.items() if not shutil.which(program)]
    busy = os.getloadavg()[0]
    lines = [
        f"# Benchmarks of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n",
        f"{os.cpu_count()} cores, {busy:.1f} processes that ran or waited in the minute before,"
        f" Python {platform.python_version()}, {durable(os.environ['DATABASE_URL'])}.",
        "Take the ratios: figures of different runs, and of a busy machine, are not comparable.",
    ]
    if missing:
        lines.append(f"Not installed, so not beside: {', '.join(missing)}.")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="?", default="", help=", ".join(BENCHMARKS))
    wanted = chosen(parser.parse_args().names)
    print(head(), flush=True)
    failed = []
    for name in wanted:
        began = time.monotonic()
        words = [sys.executable, f"{HERE}/{name}.py"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        print(f"\n## {BENCHMARKS[name]}: `{name}.py`\n\n{done.stdout.strip()}\n")
        print(f"{(time.monotonic() - began) / 60:.1f} minutes.", flush=True)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
