"""Fills in forms of the admin site as a browser does."""

from __future__ import annotations

from typing import Any

from django.test import Client


def filled_in(page: Any) -> dict[str, Any]:
    """What a browser would send back from a page with a form that nobody touched."""
    form = page.context["adminform"].form
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    forms = [form] + [each for f in formsets for each in (f.management_form, *f.initial_forms)]
    sent: dict[str, Any] = {}
    for each in forms:
        for bound in each:
            value = bound.value()
            if value is None or value is False:
                continue
            sent[bound.html_name] = "on" if value is True else value
    return sent


def change(browser: Client, address: str, **fields: Any) -> Any:
    """Change fields on a page as a browser does; None empties one."""
    sent = filled_in(browser.get(address)) | fields
    return browser.post(address, {name: value for name, value in sent.items() if value is not None})


def complaints(answer: Any) -> dict[str, list[str]]:
    """What a form that came back complains of, by field."""
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)
