"""Index pages of the readings are filled: the keys of a device come in order of time."""

from django.db import migrations

# From now on; pages that are written stay as they are. The index of the table that is split into
# months has no pages: each month is told by itself, those to come when they are made.
SET = """
DO $$ DECLARE index regclass; BEGIN
    FOR index IN
        SELECT indexrelid FROM pg_index JOIN pg_inherits ON inhrelid = indrelid
        WHERE indisprimary AND inhparent = 'readings_reading'::regclass
    LOOP
        EXECUTE format('ALTER INDEX %s {change}', index);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("readings", "0005_edition_of_sets")]

    operations = [
        migrations.RunSQL(
            SET.replace("{change}", "SET (fillfactor = 100)"),
            SET.replace("{change}", "RESET (fillfactor)"),
        )
    ]
