"""The WSGI application that the web server runs."""

import os

from apps.api.handler import get_application
from apps.api.postgresql.limits import limit_statements
from apps.devices import places

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
application = get_application()

limit_statements()
# Beside the start, so that the first device that is added does not wait for the list of places.
places.warm_up()
