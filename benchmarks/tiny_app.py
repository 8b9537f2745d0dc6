"""A Django of a few views and nothing else, so that a comparison measures the web server."""

from __future__ import annotations

import gzip
import os
import random
import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="measured only",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # says Content-Length
    )

ROW = {"id": 1, "name": "Kit", "description": "x" * 900, "latitude": 52.37, "longitude": 4.62}
# Text of random digits shrinks to about half: 3 MB of it are 1.5 MB on the wire.
BIG = gzip.compress(random.Random(0).randbytes(1_650_000).hex().encode()[:3_300_000], 1)


def small(request: HttpRequest) -> HttpResponse:
    """About 1 kB of JSON, as a device in a list."""
    return JsonResponse(ROW)


def big(request: HttpRequest) -> HttpResponse:
    """A body of about 1.5 MB that was compressed before, as the world map."""
    return HttpResponse(BIG, content_type="application/json", headers={"Content-Encoding": "gzip"})


def slow(request: HttpRequest) -> HttpResponse:
    """An answer that takes two seconds, to be interrupted."""
    time.sleep(2)
    return HttpResponse("whole\n")


def pid(request: HttpRequest) -> HttpResponse:
    """Which process answers, and how long the header named X-Long was that it was sent."""
    return JsonResponse({"pid": os.getpid(), "long": len(request.headers.get("X-Long", ""))})


urlpatterns = [path("small", small), path("big", big), path("slow", slow), path("pid", pid)]
application = get_wsgi_application()
