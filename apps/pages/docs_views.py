"""`/docs`: the API's document as a page that can be browsed and tried, by Swagger UI."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apps.api.pages import PageView, scripted_page


class DocsView(PageView):
    """`/docs`: every endpoint of `/v0/schema`, and a form that asks it.

    Swagger UI's files come from this server, and it asks no other. Its icons are `data:` addresses
    in its stylesheet; it styles by scripts, so that no style has to be allowed inline.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        return scripted_page(request, "pages/docs.html", {})
