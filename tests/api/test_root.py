"""The root (reference: Root Endpoint; contract: root)."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client


@pytest.mark.parametrize("path", ["/", "/v0", "/v0/"])
def test_the_root_lists_what_there_is(client: Client, settings: LazySettings, path: str) -> None:
    settings.VERSION_GIT = "abc1234"
    assert client.get(path).json() == {
        "current_user_url": "http://testserver/v0/me",
        "components_url": "http://testserver/v0/components",
        "devices_url": "http://testserver/v0/devices",
        "kits_url": "http://testserver/v0/kits",
        "measurements_url": "http://testserver/v0/measurements",
        "sensors_url": "http://testserver/v0/sensors",
        "tags_url": "http://testserver/v0/tags",
        "users_url": "http://testserver/v0/users",
        "search_url": "http://testserver/v0/search",
        "api_documentation_url": "http://testserver/docs",
        "version_git": "abc1234",
    }
