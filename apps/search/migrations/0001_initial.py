"""What is searched: generated columns of users and devices, and indexes over them.

PostgreSQL keeps them right itself, whoever writes the rows: no trigger, no signal, nothing to
rebuild. Why they stand beside the models is in `docs/decisions/search.md`.
"""

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations

# Lower case, no accents, and blanks for punctuation, which the text parser would read as part of
# host names, versions and signs. `unaccent` depends on a dictionary that someone could change, so
# PostgreSQL does not call it immutable; nobody changes this one, which is named outright.
CLEAN = r"""
CREATE FUNCTION search_clean(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    lower({schema}.unaccent('{schema}.unaccent'::regdictionary, value)),
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{{|}}~',
    repeat(' ', 32)
)
"""
# A and B are what a thing is called, C where it is, D what is told about it. The country is there
# by its code, as a word that nobody can type. Long texts are cut: a tsvector has an end.
COLUMNS = """
ALTER TABLE users_user
ADD COLUMN search_words tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', search_clean(username::text)), 'A')
    || setweight(
        to_tsvector(
            'simple',
            search_clean(coalesce(first_name, '')::text || ' ' || coalesce(last_name, '')::text)
        ), 'B'
    )
    || setweight(to_tsvector('simple', search_clean(coalesce(city, '')::text)), 'C')
    || array_to_tsvector(ARRAY['=' || coalesce(country_code, '')::text])
) STORED,
ADD COLUMN search_text text GENERATED ALWAYS AS (
    search_clean(
        username::text || ' ' || coalesce(first_name, '')::text || ' '
        || coalesce(last_name, '')::text || ' ' || coalesce(city, '')::text
    )
) STORED;

ALTER TABLE devices_device
ADD COLUMN search_words tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', search_clean(name::text)), 'A')
    || setweight(to_tsvector('simple', search_clean(coalesce(city, '')::text)), 'C')
    || setweight(to_tsvector('simple', search_clean(left(coalesce(description, ''), 10000))), 'D')
    || array_to_tsvector(ARRAY['=' || coalesce(country_code, '')::text])
) STORED,
ADD COLUMN search_text text GENERATED ALWAYS AS (
    search_clean(
        name::text || ' ' || coalesce(city, '')::text || ' '
        || left(coalesce(description, ''), 1000)
    )
) STORED;
"""
# New entries wait in a list that every search reads: it stays short.
INDEXES = """
CREATE INDEX user_search_words ON users_user
USING gin (search_words) WITH (gin_pending_list_limit = 256);
CREATE INDEX user_search_text ON users_user
USING gin (search_text gin_trgm_ops) WITH (gin_pending_list_limit = 256);
CREATE INDEX device_search_words ON devices_device
USING gin (search_words) WITH (gin_pending_list_limit = 256);
CREATE INDEX device_search_text ON devices_device
USING gin (search_text gin_trgm_ops) WITH (gin_pending_list_limit = 256);
"""
REMOVE = """
ALTER TABLE devices_device DROP COLUMN search_words, DROP COLUMN search_text;
ALTER TABLE users_user DROP COLUMN search_words, DROP COLUMN search_text;
"""


def create_clean(apps, schema_editor):
    """Name the schema that the extension is in: on some managed servers it is not `public`."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) FROM pg_extension"
            " JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'unaccent'"
        )
        (schema,) = cursor.fetchone()
    schema_editor.execute(CLEAN.format(schema=schema), params=None)


def drop_clean(apps, schema_editor):
    """Undo `create_clean`."""
    schema_editor.execute("DROP FUNCTION search_clean(text)", params=None)


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial"), ("devices", "0001_initial")]

    operations = [
        UnaccentExtension(),
        TrigramExtension(),
        migrations.RunPython(create_clean, drop_clean),
        migrations.RunSQL(COLUMNS, REMOVE),
        migrations.RunSQL(INDEXES, migrations.RunSQL.noop),
    ]
