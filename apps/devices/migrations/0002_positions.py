"""Indexes over the public position: nearest first on the sphere, and boxes of the map."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import CreateExtension
from django.db import migrations, models

import apps.devices.positions


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial")]

    operations = [
        CreateExtension("cube"),
        CreateExtension("earthdistance"),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                fields=["public_latitude", "public_longitude"], name="device_public_position"
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=django.contrib.postgres.indexes.GistIndex(
                apps.devices.positions.OnEarth("public_latitude", "public_longitude"),
                condition=models.Q(("public_latitude__isnull", False)),
                name="device_on_earth",
            ),
        ),
    ]
