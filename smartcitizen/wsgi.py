"""The WSGI application that the web server and the kit door run."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
application = get_wsgi_application()
