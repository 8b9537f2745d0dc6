"""The WSGI application, for requests that Django would fail on before any middleware."""

from __future__ import annotations

import codecs
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

# As Python names them; the last two are what old forms are sent in. Others are refused since some
# are no text at all (`hex`, `bz2`), and Django reads the URL by what the Content-Type says.
CHARSETS = {"utf-8", "ascii", "iso8859-1", "cp1252"}


class ReadRequest(WSGIRequest):
    """A request whose Content-Type, however strange, does no harm.

    Django parses that header while it makes the request, where an exception is answered by the
    web server's own error page. Here, what cannot be read becomes no media type at all, which is
    415 where a body is wanted and nothing to anyone else.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """Take the media type and its parameters from the WSGI environment."""
        self.content_type, self.content_params = "", {}
        try:
            media_type, parameters = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
            charset = codecs.lookup(parameters.get("charset", "utf-8")).name
        except (ValueError, TypeError, LookupError):
            media_type, parameters, charset = "", {}, ""
        if charset not in CHARSETS:
            meta["CONTENT_TYPE"] = ""
            return
        self.content_type, self.content_params = media_type, parameters
        # The public name would parse the query first, which may fail as well.
        self._encoding = charset


class Handler(WSGIHandler):
    """Django's handler, with such requests."""

    request_class = ReadRequest


def get_application() -> Handler:
    """What `django.core.wsgi.get_wsgi_application` is otherwise for: called once, by `wsgi.py`."""
    django.setup(set_prefix=False)
    return Handler()
