"""The texts of pages in other languages: found in the code, kept in `locale/`, compiled.

`python -m smartcitizen.messages update` brings the `.po` files up to date with the code, `compile`
makes of them what Django reads; `make run`, `make test` and the image do the latter. GNU gettext is
not needed: Babel does it, wherever pip does.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("es", "ca")
FOLDERS = ("apps", "smartcitizen")
# The admin site is for operators, and mails are written in English.
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def found() -> Catalog:
    """Every message of the code and of the templates of pages, with where it stands."""
    catalog = Catalog(charset="utf-8")
    for path, source in _sources():
        for line, message, _comments, context in extract("python", source, keywords=KEYWORDS):
            if message:
                catalog.add(message, locations=[(path, line)], context=context)
    return catalog


def _sources() -> Iterator[tuple[str, io.BytesIO]]:
    """Python code, and templates as Django makes Python of them."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            path = file.relative_to(ROOT).as_posix()
            if {"node_modules", "migrations", "mail"} & {*file.parts[:-1]}:
                continue
            if file.suffix == ".py":
                yield path, io.BytesIO(file.read_bytes())
            elif file.suffix == ".html":
                code = templatize(file.read_text(), origin=path)
                # Indentation of HTML is none of Python's.
                lines = "\n".join(line.strip() for line in code.splitlines())
                yield path, io.BytesIO(lines.encode())


def po_file(language: str) -> Path:
    """Where the translations of a language are."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The translations of a language, as they are kept."""
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Add what the code says and drop what it says no more; nothing is guessed."""
    for language in LANGUAGES:
        catalog = read(language) if po_file(language).exists() else Catalog(locale=language)
        catalog.update(found(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        po_file(language).parent.mkdir(parents=True, exist_ok=True)
        with po_file(language).open("wb") as file:
            write_po(file, catalog, sort_output=True, include_lineno=False, omit_header=False)


def compile_all() -> None:
    """Make of each `.po` file the `.mo` file that Django reads."""
    for language in LANGUAGES:
        with po_file(language).with_suffix(".mo").open("wb") as file:
            write_mo(file, read(language))


if __name__ == "__main__":
    verbs = {"update": update, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit("usage: python -m smartcitizen.messages update|compile")
    verbs[sys.argv[1]]()
