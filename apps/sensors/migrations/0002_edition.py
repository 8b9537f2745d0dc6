"""The edition of the catalogue, and triggers that renew it whoever writes."""

from django.db import migrations, models

from apps.sensors.editions import UNWATCH, WATCH

# A random number: of a counter, two transactions of which one is rolled back could show different
# rows under the same number. The row is written before those of the statement, so that writers of
# the catalogue take turns from their first statement on and cannot lock each other out.
FUNCTION = """
CREATE FUNCTION sensors_new_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensors_edition (id, number) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET number = excluded.number;
    RETURN NULL;
END
$$;
INSERT INTO sensors_edition (id, number) VALUES (1, gen_random_uuid());
"""
TABLES = ("sensors_measurement", "sensors_sensortag", "sensors_sensor", "sensors_sensor_tags")


class Migration(migrations.Migration):
    dependencies = [("sensors", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="edition_only_one")
                ]
            },
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION sensors_new_edition()"),
        *(
            migrations.RunSQL(WATCH.format(table=table), UNWATCH.format(table=table))
            for table in TABLES
        ),
    ]
