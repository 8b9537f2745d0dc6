"""No text makes a regular expression of ours take for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What is linear takes a moment, what is quadratic minutes, and what is worse for ever.
SECONDS_OF_CPU = 60
PROGRAM = """
import importlib, pathlib, pkgutil, re, resource
import django
django.setup()
import apps
resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
found = {}
WAYS = ("fullmatch", "match", "search", "sub", "split", "findall", "finditer")
for module in pkgutil.walk_packages(apps.__path__, "apps."):
    if ".migrations" in module.name or ".management" in module.name:
        continue
    imported = importlib.import_module(module.name)
    source = pathlib.Path(imported.__file__).read_text()
    for name, value in vars(imported).items():
        if isinstance(value, re.Pattern):
            # Who asks for the whole text alone never begins in the middle of it.
            ways = [way for way in WAYS if f"{name}.{way}" in source] or list(WAYS)
            found[value.pattern, value.flags] = value, f"{module.name}.{name}", ways
LENGTH = 50_000
for pattern, name, ways in found.values():
    for piece in ("0", "a", " ", "-", ".", "_", "/", "0.", "a b", "a@", "[a]", "1-", "{}", "<a"):
        for end in ("", "!", "\\x01"):
            text = piece * (LENGTH // len(piece)) + end
            text = text.encode() if isinstance(pattern.pattern, bytes) else text
            print(name, repr(piece), flush=True)
            for way in ways:
                empty = b"" if isinstance(text, bytes) else ""
                done = pattern.sub(empty, text) if way == "sub" else getattr(pattern, way)(text)
                list(done) if way == "finditer" else done
print(len(found))
"""


def test_no_regular_expression_is_slow_for_any_of_the_usual_attacks() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("SECONDS", str(SECONDS_OF_CPU))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, (lines[-1:], ended.stderr)
    assert int(lines[-1]) > 10, "they are found"
