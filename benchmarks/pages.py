"""Measures in a real browser what people wait for: the map of all devices, and a device's charts.

    DATABASE_URL=… REDIS_URL=… python benchmarks/pages.py [--devices 20000] [--rounds 5]

Makes a database of its own on the server of DATABASE_URL, fills it with demo data, starts the web
server as `make run` does, and opens the pages in Debian's Chromium, each time with an empty cache;
the database is dropped in the end. Prints a Markdown table: medians, once as this machine is and
once with Chromium's processor slowed down four times, as a phone is. Where `--screenshots` names a
folder, what was drawn is kept there, to see that it is what was meant.

A page is interactive once the document is ready, the map with its clusters (or the chart) has been
painted, and the main thread is quiet: no task of 50 ms or more in the half second that follows.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from reads import ROOT, WORKERS, database, fill, free_port, manage, served

SLOW = 4
WINDOW = {"width": 1280, "height": 800}
DATA = ("/v0/", "/ui/map_marks")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

# Before the page's own scripts: what keeps the main thread busy, and when something was painted.
WATCH = """
window.tasks = [];
const seen = (list) => window.tasks.push(...list.getEntries().map(
  ({ startTime, duration }) => [startTime, duration]));
new PerformanceObserver(seen).observe({ type: "longtask", buffered: true });
window.painted = () => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))));
window.quiet = async (drawn) => {
  for (;;) {
    const end = Math.max(drawn, ...window.tasks.map(([start, length]) => start + length));
    if (performance.now() - end > 500) return end;
    await new Promise((done) => setTimeout(done, 50));
  }
};
window.replaced = (selector, act) => new Promise((done) => {
  const begun = performance.now();
  new MutationObserver(async (_, self) => {
    self.disconnect();
    done((await window.painted()) - begun);
  }).observe(document.querySelector(selector), { childList: true });
  act();
});
"""
MAP_DRAWN = 'html[data-map="ready"] .cluster'
CHART_DRAWN = "canvas"
CHART = "#sensor-7"
LONGEST = "Math.max(0, ...window.tasks.map(([, length]) => length))"
ZOOM = (
    "window.replaced('#in-view', () => document.querySelector('.leaflet-control-zoom-in').click())"
)
JUMP = "window.replaced('#in-view', () => { location.hash = '41.39,2.17,11'; })"
FILTER = """window.replaced('#in-view', () => {
  const select = document.querySelector('#filters [name=exposure]');
  select.value = 'indoor';
  select.dispatchEvent(new Event('change', { bubbles: true }));
})"""
MONTH = "document.querySelector('[data-range=month]').click()"

Figures = dict[str, float]


class Weights:
    """What came over the wire, headers included, by address: kB."""

    def __init__(self, page: Page) -> None:
        """Listen to a page that has not been opened yet."""
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self._urls: dict[str, str] = {}
        self._sizes: dict[str, float] = {}
        self.session.on("Network.requestWillBeSent", self._asked)
        self.session.on("Network.loadingFinished", self._came)

    def _asked(self, event: Mapping[str, Any]) -> None:
        self._urls[event["requestId"]] = event["request"]["url"]

    def _came(self, event: Mapping[str, Any]) -> None:
        self._sizes[event["requestId"]] = event["encodedDataLength"] / 1000

    def split(self) -> tuple[float, float]:
        """All but the data of devices, and with them."""
        data = sum(
            size
            for request, size in self._sizes.items()
            if any(path in self._urls.get(request, "") for path in DATA)
        )
        total = sum(self._sizes.values())
        return total - data, total


@contextmanager
def opened(browser: Browser, slow: int) -> Iterator[tuple[Page, Weights]]:
    """A window with an empty cache."""
    context = browser.new_context(viewport=WINDOW, locale="en-GB")  # type: ignore[arg-type]
    context.add_init_script(WATCH)
    page = context.new_page()
    page.on("pageerror", lambda error: sys.exit(f"the page failed: {error}"))
    weights = Weights(page)
    weights.session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    yield page, weights
    context.close()


def interactive(page: Page, drawn: str) -> float:
    """Milliseconds since the page was asked for."""
    page.wait_for_selector(drawn, timeout=60_000)
    return float(page.evaluate("window.painted().then(window.quiet)"))


def open_map(page: Page, weights: Weights, web: str) -> Figures:
    """The map from nothing, then a zoom, a jump into a city and a filter."""
    page.goto(web)
    ready = interactive(page, MAP_DRAWN)
    bare, whole = weights.split()
    return {
        "map: weight without data, kB": bare,
        "map: weight with data, kB": whole,
        "map: interactive, ms": ready,
        "map: longest task until then, ms": page.evaluate(LONGEST),
        "map: zoom by a step, its 250 ms of motion included, ms": page.evaluate(ZOOM),
        "map: filter of all devices, ms": page.evaluate(FILTER),
        "map: jump into a city, ms": page.evaluate(JUMP),
    }


def open_device(page: Page, weights: Weights, web: str, device: int) -> Figures:
    """The page of a device with its first charts, then one of them over a month."""
    page.goto(f"{web}/ui/devices/{device}")
    ready = interactive(page, CHART_DRAWN)
    bare, whole = weights.split()
    page.locator(CHART).scroll_into_view_if_needed()
    page.wait_for_selector(f"{CHART} canvas")
    month = page.evaluate(f"window.replaced('{CHART} .chart', () => {MONTH})")
    return {
        "device: weight without data, kB": bare,
        "device: weight with data, kB": whole,
        "device: interactive, ms": ready,
        "device: chart of a month of a post each minute, ms": month,
    }


def measure(browser: Browser, web: str, device: int, options: argparse.Namespace) -> str:
    """A Markdown table of medians."""
    lines = ["| | this machine | processor 4 times slower |", "|---|--:|--:|"]
    columns: list[Figures] = []
    for slow in (1, SLOW):
        rounds: list[Figures] = []
        for number in range(options.rounds):
            found: Figures = {}
            with opened(browser, slow) as (page, weights):
                found |= open_map(page, weights, web)
                keep(page, options, f"map-{slow}", number)
            with opened(browser, slow) as (page, weights):
                found |= open_device(page, weights, web, device)
                keep(page, options, f"device-{slow}", number)
            rounds.append(found)
        columns.append(middle(rounds))
    for name in columns[0]:
        lines.append(
            f"| {name} | " + " | ".join(f"{column[name]:,.0f}" for column in columns) + " |"
        )
    return "\n".join(lines)


def middle(rounds: list[Figures]) -> Figures:
    """The medians of what was measured."""
    return {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}


def keep(page: Page, options: argparse.Namespace, name: str, number: int) -> None:
    """A picture of the first round, for people to look at."""
    if options.screenshots and number == 0:
        page.wait_for_timeout(500)
        page.screenshot(path=Path(options.screenshots) / f"bench-{name}.png")


def main() -> None:
    """Fill, open, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--devices", type=int, default=20_000, help="on the map (20000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is opened (5)")
    parser.add_argument("--screenshots", help="a folder for pictures of what was drawn")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs chromium (make system-deps)")
    with database() as url:
        port = free_port()
        environment = {
            **os.environ,
            **{"DATABASE_URL": url, "HOST": "127.0.0.1", "PORT": str(port)},
            **{"PUBLIC_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": str(ROOT)},
            **{"WEB_WORKERS": WORKERS, "LOG_LEVEL": "ERROR", "THROTTLE_ANON": "999999999/s"},
        }
        drop_map = ["shell", "-c", "from apps.devices import world_map; world_map.drop()"]
        fill(url, environment, options.devices, options.devices // 4)
        manage(environment, "demo", "--devices", "1", "--owners", "1", "--every", "1")
        manage(environment, "collectstatic", "--noinput")
        manage(environment, *drop_map)
        with (
            served(["-m", "smartcitizen.webserver"], environment, port) as web,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            print(f"{options.devices:,} devices, Chromium {browser.version}, {WINDOW['width']} x")
            print(f"{WINDOW['height']}, {options.rounds} rounds, medians\n", flush=True)
            print(measure(browser, web, options.devices + 1, options))
            browser.close()
        manage(environment, *drop_map)  # Redis may be that of a server with other devices


if __name__ == "__main__":
    main()
