"""How far the import of each file of the old platform has come."""

from __future__ import annotations

from django.db import models


class ImportedFile(models.Model):
    """A dump that is being imported, or was: written in the transaction that stores its rows.

    So an import that was killed goes on behind the last row that is stored.
    """

    name = models.CharField(max_length=100, primary_key=True)
    size = models.BigIntegerField(help_text="bytes; another size is another file")
    offset = models.BigIntegerField(default=0, help_text="bytes that are done")
    line = models.BigIntegerField(default=0, help_text="lines that are done")
    rejects_size = models.BigIntegerField(default=0, help_text="bytes of its file of rejects")
    added = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0, help_text="rows that were here already")
    rejected = models.BigIntegerField(default=0)
    notes = models.BigIntegerField(default=0, help_text="columns that were left out or replaced")

    def __str__(self) -> str:
        return self.name
