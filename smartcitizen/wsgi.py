"""The WSGI application that the web server runs."""

import os

from django.conf import settings

from apps.api.handler import get_application
from apps.devices import places

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
application = get_application()

# Who asks by HTTP has so long for one statement (docs/decisions/web-server.md); the worker, the
# subscriber and management commands have as long as they need. DATABASE_URL may say otherwise.
STATEMENT_SECONDS = 20
options = settings.DATABASES["default"]["OPTIONS"]
if "statement_timeout" not in options["options"]:
    options["options"] += f" -c statement_timeout={STATEMENT_SECONDS}s"

# Beside the start, so that the first device that is added does not wait for the list of places.
places.warm_up()
