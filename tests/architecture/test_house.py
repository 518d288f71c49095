"""The house stands as its map says."""

import re
from pathlib import Path

import psycopg
import pytest

from adapters.persistence.migrations import Migrator, migrations_directory

ROOT = Path(__file__).parents[2]


def test_tests_are_no_packages_that_could_stand_in_for_ours():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize(
    "page",
    ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "docs/dependencies.md", "docs/deploying.md", "docs/webchat.md"],
)
def test_a_page_links_only_to_what_is_there(page):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / page).read_text())
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_fits_on_a_page_and_is_shown_by_tests_that_are_there(decision):
    text = decision.read_text()
    assert len(text.splitlines()) < 60
    shown = [path for path in re.findall(r"`(tests/[\w./-]+)`", text) if not (ROOT / path).exists()]
    assert not shown


def test_all_migrations_can_be_taken_back_to_an_empty_database(empty_database):
    migrator = Migrator(migrations_directory(), empty_database.url_owner, None)
    applied = migrator.up()
    assert migrator.down(len(applied)) == list(reversed(applied))
    with psycopg.connect(empty_database.url_owner) as connection:
        left = connection.execute("""
            select relname from pg_class where relnamespace = 'public'::regnamespace and relname !~ '^schema_migrations'
            union select proname from pg_proc where pronamespace = 'public'::regnamespace
        """).fetchall()
    assert left == []
