"""Mails: written in the transaction of an act, sent by the worker."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    """Mails: written in the transaction of an act, sent by the worker."""

    name = "apps.mail"
