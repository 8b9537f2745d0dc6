"""Kits are part of the catalogue: whatever writes them gives it a new edition."""

from django.db import migrations

from apps.sensors.editions import UNWATCH, WATCH


class Migration(migrations.Migration):
    dependencies = [("kits", "0001_initial"), ("sensors", "0002_edition")]

    operations = [
        migrations.RunSQL(WATCH.format(table=table), UNWATCH.format(table=table))
        for table in ("kits_kit", "kits_kitsensor")
    ]
