"""CSV archives that owners ask for."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0004_notices"),
        ("readings", "0002_rollups"),
    ]

    operations = [
        migrations.CreateModel(
            name="CsvArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ready_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("token_hash", models.BinaryField(null=True, unique=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="archives",
                        to="devices.device",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
    ]
