"""A system check: declarations that name what is not there are found when the server starts."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error

from .schema import problems


def check_declarations(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The problems of all models, as Django's checks report them.

    Register it in an app's `ready`: `django.core.checks.register(check_declarations)`.
    """
    return [
        Error(f"ransackable: {problem}", obj=model, id="ransack.E001")
        for model in apps.get_models()
        for problem in problems(model)
    ]
