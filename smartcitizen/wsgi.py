"""The WSGI application that the web server runs."""

import os

from apps.api.handler import get_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
application = get_application()
