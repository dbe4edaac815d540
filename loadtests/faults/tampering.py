"""A superuser tampers with a sealed market by every deed of the table; whoever verifies finds it, each time.

Controls: what is not tampered with passes; a whole re-sealing with the stolen key passes where no checkpoint
was kept outside, and is found where one was.
"""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.migrations.apply import create_database, migrate
from datamarket.server.sealing import sealer_of
from loadtests.faults.cluster import running_cluster
from loadtests.faults.proof import Proof
from tests.world.sealing import sealed_market
from tests.world.tampering import range_of

ROUNDS = 15
"""Of all deeds, each time on other rows."""


async def prove(*, seconds: float, seed: int) -> Proof:
    """All of it on an own cluster; each deed at least once, and as often as `seconds` allow."""
    with TemporaryDirectory(prefix="datamarket-tampering-") as temporary:
        folder = Path(temporary).resolve()  # noqa: ASYNC240 - before anything runs
        with running_cluster(folder / "postgres", fsync="off") as cluster:
            url = await create_database(cluster.url, "market")
            await migrate(url)
            sealer = sealer_of(Settings(var=folder))
            database = await Database(url, 2).open()
            try:
                await sealed_market(database, sealer, random.Random(seed))
            finally:
                await database.close()
            ground = await range_of(url, sealer, folder / "bundle")
            try:
                sound = await ground.untouched()
                outcome = await ground.tamper(seed, rounds=ROUNDS, seconds=seconds)
                sound = sound and await ground.untouched()
                alone, beside = await ground.sealed_anew_with_the_key(seed)
            finally:
                await ground.connection.close()
    return Proof(
        id="tampering",
        claim="whatever a superuser changes in a sealed market is found, and the first bad leaf is named",
        holds=sound and beside and outcome.complete,
        figures={
            "tamperings": outcome.done.total(),
            "deeds": len(outcome.done),
            "leaves": len(ground.leaves),
            "missed": outcome.missed,
            "misnamed": outcome.misnamed,
            "seen_by_check_too": outcome.seen_by_check,
            "not_as_the_table_says": outcome.not_as_the_table_says,
            "seconds": round(outcome.seconds, 1),
        },
        control={
            "untouched_market_passes": sound,
            "sealed_anew_with_the_stolen_key_found_without_outside_checkpoints": alone,
            "sealed_anew_with_the_stolen_key_found_with_outside_checkpoints": beside,
        },
        control_notices=sound and not alone and beside,
    )
