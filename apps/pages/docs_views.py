"""`/docs`: the API's document as a page that can be browsed and tried, by Swagger UI."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apps.api.pages import PageView, page

# Its files come from this server and it asks no other. Its icons are `data:` addresses in its
# stylesheet. What it styles it styles by scripts, so that no style has to be allowed inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocsView(PageView):
    """`/docs`: every endpoint of `/v0/schema`, and a form that asks it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        answer = page(request, "pages/docs.html")
        answer.headers["Content-Security-Policy"] = POLICY
        return answer
