"""The newest set tells by a random edition which sets there are."""

import uuid
from typing import Any

from django.db import migrations, models


def begin(apps: Any, editor: Any) -> None:
    """Give the sets that are there an edition, so that their numbers are remembered."""
    apps.get_model("readings", "SensorSet").objects.update(edition=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0004_sets_of_devices"),
    ]

    operations = [
        migrations.AddField(
            model_name="sensorset",
            name="edition",
            field=models.UUIDField(null=True),
        ),
        migrations.RunPython(begin, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="sensorset",
            name="edition",
            field=models.UUIDField(default=uuid.uuid4, null=True),
        ),
    ]
