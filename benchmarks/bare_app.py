"""A Django of one view that serves files by their name: what the same bytes cost without an API."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="measured only",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # says Content-Length
    )

BODIES = {file.name: file.read_bytes() for file in Path(os.environ["BODIES"]).iterdir()}


def body(request: HttpRequest, name: str) -> HttpResponse:
    """The bytes of a file."""
    return HttpResponse(BODIES[name], content_type="application/json")


urlpatterns = [path("<name>", body)]
application = get_wsgi_application()
