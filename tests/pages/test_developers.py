"""`/ui/developers`: what it says works when it is pasted."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests import live

BLOCKS = re.compile(r'<code class="shell">(.*?)</code>', re.S)


def test_it_is_for_everyone_and_leads_on(db: None, settings: object) -> None:
    answer = Client().get("/ui/developers")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    for path in ("/docs", "/oauth/applications", "/ui/status"):
        assert f'href="{path}"' in shown


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl"))), reason="needs curl")
def test_the_quick_start_works_when_it_is_pasted_twice(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), live.platform("quick_start") as running:
        page = running.get("/ui/developers").text
        blocks = [html.unescape(block) for block in BLOCKS.findall(page)]
        assert len(blocks) == 5
        for _ in range(2):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert '"stored":1' in done.stdout, "of the reading"
            assert re.search(r'"readings":\[\["[^"]+",21\.5\]\]', done.stdout), done.stdout
            assert '"errors":{' not in done.stdout, done.stdout
