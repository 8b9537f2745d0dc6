"""Asks one URL over and over, by `wrk` where it is installed, else by a small client of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Load(NamedTuple):
    """Requests a second, and the times within which 50 and 99 of 100 answers came, in ms."""

    rate: float
    p50: float
    p99: float


def client() -> str:
    """The client that is used: figures of different ones are not comparable."""
    return "wrk" if shutil.which("wrk") else "our own client"


def load(url: str, headers: Mapping[str, str], connections: int, seconds: int) -> Load:
    """Ask by so many kept connections at once; stops the program at any answer but 200."""
    if not shutil.which("wrk"):
        return asyncio.run(_own_client(url, headers, connections, seconds))
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    words += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    said = subprocess.run([*words, url], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    times = dict(re.findall(r"(50|99)%\s+([\d.]+[a-z]+)", said))
    if not rate or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{url}\n{said}")
    return Load(float(rate[1]), _milliseconds(times["50"]), _milliseconds(times["99"]))


def _milliseconds(text: str) -> float:
    """What wrk says, such as `1.25ms`."""
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * MILLISECONDS[unit]


async def _own_client(url: str, headers: Mapping[str, str], connections: int, seconds: int) -> Load:
    """The same without wrk: it needs more of the processor, which the server then lacks."""
    parts = urlsplit(url)
    lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join([*lines, "", ""]).encode()
    end = time.monotonic() + seconds
    times: list[float] = []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (began := time.monotonic()) < end:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", head)
            if b" 200 " not in head.partition(b"\r\n")[0] or not length:
                raise SystemExit(f"{url}\n{head.decode()}")
            await reader.readexactly(int(length[1]))
            times.append((time.monotonic() - began) * 1000)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    times.sort()
    at = len(times) - 1
    return Load(len(times) / seconds, times[at // 2], times[at * 99 // 100])
