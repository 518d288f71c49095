"""The migration runner on a real Postgres: many at once, killed, changed, failing, pooled."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from adapters.persistence.migration_files import MigrationError
from adapters.persistence.migrations import Migrator, migrations_directory, role_of
from tests.rig.pgbouncer import INSTALL, find_pgbouncer, pooled
from tests.rig.waiting import until

_INDEX = "create index concurrently if not exists notes_by_body on notes (body);"
_RUN_ALONE = """
import os, pathlib
from adapters.persistence.migrations import Migrator
Migrator(pathlib.Path(os.environ["FILES"]), os.environ["URL"], None).up()
"""


@pytest.fixture
def write(tmp_path):
    def write(name, up, down=None, options=""):
        tail = "" if down is None else f"\n-- migrate:down\n{down}\n"
        (tmp_path / name).write_text(f"-- migrate:up{options}\n{up}\n{tail}")

    return write


@pytest.fixture
def migrator(tmp_path, empty_database):
    return Migrator(tmp_path, empty_database.url_owner, "frontdesk_app")


@pytest.fixture
def owner(empty_database):
    with psycopg.connect(empty_database.url_owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(empty_database):
    with psycopg.connect(empty_database.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pool():
    """Threads that a failing test does not wait for: dropping its database ends what they do."""
    threads = ThreadPoolExecutor(10)
    yield threads
    threads.shutdown(wait=False)


@pytest.fixture
def runner(tmp_path, empty_database):
    """A runner in a process of its own, to be killed."""
    environment = os.environ | {"FILES": str(tmp_path), "URL": empty_database.url_owner, "PYTHONPATH": "src"}
    with subprocess.Popen([sys.executable, "-c", _RUN_ALONE], env=environment) as process:
        yield process
        process.kill()


def tables(connection):
    query = "select tablename from pg_tables where schemaname = 'public' order by 1"
    return [name for (name,) in connection.execute(query)]


def migrating(connection, condition="true"):
    """How many connections of runners there are, other than those that have just been told to go."""
    query = "select count(*) from pg_stat_activity where application_name = 'frontdesk-migrations'"
    return connection.execute(f"{query} and datname = current_database() and {condition}").fetchone()[0]


def all_names(runs):
    return [name for run in list(runs) for name in run.result(timeout=20)]


def index_is_valid(connection):
    query = "select indisvalid from pg_index where indexrelid = to_regclass('notes_by_body')"
    row = connection.execute(query).fetchone()
    return row and row[0]


def test_files_are_applied_once_in_the_order_of_their_numbers(write, migrator, owner):
    write("0002_second.sql", "alter table notes add column body text;")
    write("0001_first.sql", "create table notes (id int);")

    assert migrator.pending() == ["0001_first.sql", "0002_second.sql"]
    assert migrator.up() == ["0001_first.sql", "0002_second.sql"]
    assert migrator.up() == []
    assert migrator.pending() == []
    assert tables(owner) == ["notes", "schema_migrations"]


def test_ten_runners_at_once_apply_each_file_once(pool, write, migrator):
    for number in range(1, 6):
        write(f"000{number}_table.sql", f"create table t{number} (id int);")

    applied = all_names(pool.submit(migrator.up) for _ in range(10))

    assert sorted(applied) == [f"000{number}_table.sql" for number in range(1, 6)]


def test_an_index_is_built_concurrently_while_nine_others_wait(pool, write, migrator, owner, empty_database):
    write("0001_notes.sql", "create table notes (body text);")
    migrator.up()
    write("0002_index.sql", _INDEX, options=" transaction:false")

    with psycopg.connect(empty_database.url_owner) as user:
        user.execute("insert into notes values ('the build waits for this transaction')")
        runs = [pool.submit(migrator.up) for _ in range(10)]
        until(lambda: migrating(owner) == 11 and migrating(owner, "wait_event_type = 'Lock'") == 1)
        user.commit()
        applied = all_names(runs)

    assert applied == ["0002_index.sql"]
    assert index_is_valid(owner)


def test_a_killed_runner_leaves_no_half_state_and_the_next_one_goes_on(write, migrator, owner, request):
    write("0001_first.sql", "create table first (id int);")
    write("0002_slow.sql", "create table second (id int); select pg_advisory_xact_lock(7);")
    write("0003_third.sql", "create table third (id int);")
    owner.execute("select pg_advisory_lock(7)")
    runner = request.getfixturevalue("runner")
    until(lambda: migrating(owner, "wait_event = 'advisory'"))

    runner.kill()
    owner.execute("select pg_advisory_unlock(7)")
    until(lambda: not migrating(owner))

    assert tables(owner) == ["first", "schema_migrations"]
    assert migrator.up() == ["0002_slow.sql", "0003_third.sql"]


@pytest.fixture
def killed_while_building(write, migrator, owner, empty_database, request):
    """A runner was killed and its server process still builds; yields the transaction it waits for."""
    write("0001_notes.sql", "create table notes (body text);")
    migrator.up()
    write("0002_index.sql", _INDEX, options=" transaction:false")
    with psycopg.connect(empty_database.url_owner) as user:
        user.execute("insert into notes values ('the build waits for this transaction')")
        runner = request.getfixturevalue("runner")
        until(lambda: migrating(owner, "wait_event_type = 'Lock'"))
        runner.kill()
        yield user


def test_an_invalid_index_left_by_a_crash_is_built_again(killed_while_building, migrator, owner):
    owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )
    until(lambda: not migrating(owner))
    assert index_is_valid(owner) is False
    killed_while_building.commit()

    assert migrator.up() == ["0002_index.sql"]
    assert index_is_valid(owner)


def test_a_build_that_outlives_its_runner_is_waited_for(pool, killed_while_building, migrator, owner):
    with killed_while_building:
        run = pool.submit(migrator.up)
        until(lambda: migrating(owner, "query like '%pg_stat_progress_create_index%'"))
        killed_while_building.commit()

        assert run.result(timeout=20) == ["0002_index.sql"]
    assert index_is_valid(owner)


def test_down_takes_back_the_newest_first(write, migrator, owner):
    for number in (1, 2, 3):
        write(f"000{number}_table.sql", f"create table t{number} (id int);", down=f"drop table t{number};")
    migrator.up()

    assert migrator.down() == ["0003_table.sql"]
    assert migrator.down(steps=2) == ["0002_table.sql", "0001_table.sql"]
    assert tables(owner) == ["schema_migrations"]
    assert len(migrator.up()) == 3


def test_a_file_without_a_way_back_is_not_taken_back(write, migrator, owner):
    write("0001_only_up.sql", "create table t (id int);")
    migrator.up()

    with pytest.raises(MigrationError, match=r"0001_only_up\.sql: has no `-- migrate:down`"):
        migrator.down()
    assert tables(owner) == ["schema_migrations", "t"]


def test_a_file_changed_after_it_was_applied_is_refused_by_name(write, migrator):
    write("0001_first.sql", "create table t (id int);", down="drop table t;")
    migrator.up()
    write("0001_first.sql", "create table t (id bigint);", down="drop table t;")

    for action in (migrator.up, migrator.down, migrator.pending):
        with pytest.raises(MigrationError, match=r"0001_first\.sql: changed since it was applied"):
            action()


def test_line_ends_of_another_system_are_no_change(write, migrator, tmp_path):
    write("0001_first.sql", "create table t (id int);")
    migrator.up()
    path = tmp_path / "0001_first.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert migrator.up() == []


def test_a_failing_file_leaves_no_half_state_and_is_named_with_line_and_reason(write, migrator, owner):
    write("0001_good.sql", "create table good (id int);")
    write("0002_bad.sql", "create table half (id int);\n\ninsert into nowhere values (1);")

    with pytest.raises(MigrationError, match=r'0002_bad\.sql line 4: relation "nowhere" does not exist'):
        migrator.up()
    assert tables(owner) == ["good", "schema_migrations"]
    assert migrator.pending() == ["0002_bad.sql"]


def test_files_wait_for_locks_only_briefly(write, migrator, owner):
    write("0001_look.sql", "create table seen as select current_setting('lock_timeout') as value;")
    migrator.up()

    assert owner.execute("select value from seen").fetchone() == ("5s",)


def test_the_application_may_work_with_rows_and_nothing_else(write, migrator, app):
    write("0001_notes.sql", "create table notes (id serial, body text);")
    write("0002_function.sql", "create function one() returns int language sql as 'select 1';")
    migrator.up()

    app.execute("insert into notes (body) values ('a')")
    app.execute("update notes set body = 'b'")
    assert app.execute("delete from notes returning body, one()").fetchall() == [("b", 1)]
    for forbidden in ("create table mine ()", "drop table notes", "delete from schema_migrations"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(forbidden)


def test_tables_older_than_the_applications_role_are_granted_too(write, empty_database, tmp_path, app):
    write("0001_notes.sql", "create table notes (body text);")
    Migrator(tmp_path, empty_database.url_owner, None).up()
    Migrator(tmp_path, empty_database.url_owner, role_of(empty_database.url)).up()

    assert app.execute("select * from notes").fetchall() == []


def test_a_right_that_a_file_takes_away_stays_away(write, migrator, app):
    write("0001_ledger.sql", "create table ledger (id int); revoke update on ledger from frontdesk_app;")
    migrator.up()
    write("0002_later.sql", "create table later (id int);")
    migrator.up()

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("update ledger set id = 1")


def test_one_role_for_everything_needs_no_grants(write, empty_database, tmp_path):
    write("0001_first.sql", "create table t (id int);")

    assert Migrator(tmp_path, empty_database.url_owner, "frontdesk_owner").up() == ["0001_first.sql"]


def test_an_unknown_application_role_is_named(write, empty_database, tmp_path):
    with pytest.raises(MigrationError, match="role nobody_knows does not exist"):
        Migrator(tmp_path, empty_database.url_owner, "nobody_knows").up()


def test_a_file_applied_by_hand_with_dbmate_counts_as_applied(write, migrator, owner):
    migrator.up()
    write("0001_by_hand.sql", "create table t (id int);")
    owner.execute("insert into schema_migrations (version) values ('0001')")

    assert migrator.up() == []


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["1_short.sql"], r"1_short\.sql: migrations are called NNNN_name\.sql"),
        (["0001_one.sql", "0001_other.sql"], r"0001_other\.sql: 0001_one\.sql has the same number"),
    ],
)
def test_misnamed_files_are_refused(write, migrator, names, reason):
    for name in names:
        write(name, "select 1;")

    with pytest.raises(MigrationError, match=reason):
        migrator.up()


def test_a_file_without_a_marker_is_refused(migrator, tmp_path):
    (tmp_path / "0001_plain.sql").write_text("create table t (id int);")

    with pytest.raises(MigrationError, match=r"0001_plain\.sql: must begin with a line `-- migrate:up`"):
        migrator.up()


@pytest.mark.parametrize("url", ["hunter2 is no url", "postgresql://owner:hunter2@127.0.0.1:1/none"])
def test_no_error_shows_a_password(url, tmp_path):
    with pytest.raises(MigrationError) as caught:
        Migrator(tmp_path, url, None).up()

    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_repositorys_own_migrations_are_all_applied_in_the_template(database):
    migrator = Migrator(migrations_directory(), database.url_owner, "frontdesk_app")

    assert migrator.pending() == []


@pytest.mark.skipif(find_pgbouncer() is None, reason=INSTALL)
def test_ten_runners_behind_a_transaction_pooler_leave_no_lock_behind(pool, write, tmp_path, empty_database, owner):
    write("0001_notes.sql", "create table notes (body text);")
    write("0002_index.sql", _INDEX, options=" transaction:false")
    write("0003_more.sql", "alter table notes add column id int;")

    with pooled(empty_database.url_owner) as url:
        migrator = Migrator(tmp_path, url, "frontdesk_app")
        applied = all_names(pool.submit(migrator.up) for _ in range(10))
        locks = owner.execute(
            "select count(*) from pg_locks join pg_database on oid = database"
            " where locktype = 'advisory' and datname = current_database()"
        ).fetchone()

    assert applied == ["0001_notes.sql", "0002_index.sql", "0003_more.sql"]
    assert index_is_valid(owner)
    assert locks == (0,)
