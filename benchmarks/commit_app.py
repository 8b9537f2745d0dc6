"""A Django of one view that commits one row: what a durable write costs without an API."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    url = urlsplit(os.environ["DATABASE_URL"])
    query = dict(pair.split("=") for pair in url.query.split("&") if pair)
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="measured only",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # says Content-Length
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": url.path[1:],
                "USER": unquote(url.username or ""),
                "PASSWORD": unquote(url.password or ""),
                "HOST": unquote(url.hostname or query.get("host", "")),
                "PORT": url.port or "",
                "CONN_MAX_AGE": 60,
            }
        },
    )


def commit(request: HttpRequest) -> HttpResponse:
    """Insert a row; it is on the disk when this is answered."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_commit (body) VALUES (%s)", [request.body.decode()])
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [path("commit", commit)]
application = get_wsgi_application()
