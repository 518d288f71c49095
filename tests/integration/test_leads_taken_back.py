"""The schema of leads can be taken back without a credit being lost."""

import psycopg

from adapters.persistence.migrations import Migrator, migrations_directory
from tests.contract.paths import postgres_path
from tests.contract.test_extractions import IDLE_SECONDS, LEASE_SECONDS, what_was_found
from tests.rig.postgres import Database

SUMS = """
select balance = sum(balance_change), held = sum(held_change), held
from credit_accounts join credit_entries using (user_id) group by balance, held
"""


async def test_what_runs_held_is_free_and_what_they_cost_is_still_on_the_ledger(database: Database) -> None:
    async with postgres_path(database.url, database.url_judge) as path:
        shop = await path.a_shop(credits_=9)
        for customer in ("49170001", "49170002"):
            await path.writes(shop, address=customer)
        await path.time.passes(IDLE_SECONDS + 1)
        await path.extractions.open_due(IDLE_SECONDS, 2, 10)
        (run,) = await path.extractions.claim(LEASE_SECONDS, 1)
        await path.extractions.complete(run, what_was_found({"name": "Kim"}))

    migrator = Migrator(migrations_directory(), database.url_owner, None)
    names = sorted((one.name for one in migrations_directory().glob("*.sql")), reverse=True)
    migrator.down(names.index("0015_leads.sql") + 1)

    with psycopg.connect(database.url_judge) as judge:
        assert judge.execute(SUMS).fetchall() == [(True, True, 0)]
        assert judge.execute("select balance from credit_accounts").fetchall() == [(7,)]
