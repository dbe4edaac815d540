"""What was acknowledged and is gone is found, whether or not it was sealed; two people accept it, and it stays named."""

from pathlib import Path

import pytest

from datamarket.evidence.log.findings import Flaw, Verdict
from datamarket.evidence.losses.acceptance import (
    LogBroken,
    LossNotTheirs,
    NothingLost,
    OnePersonAccepts,
    accept_loss,
)
from datamarket.foundation.db import Database, owner_connection
from datamarket.server.sealing import export_log, find_loss, verify_log
from tests.world.losses import PEOPLE, copy_of, noted, positioned, sealed
from tests.world.people import ADMIN, moment
from tests.world.sealing import sealer_in, settings_in, tool


async def verdict_of(database: Database, var: Path) -> Verdict:
    return await verify_log(database.url, settings_in(var))


async def accepted(database: Database, var: Path, reason: str = "the server is gone") -> int:
    loss = await find_loss(database.url, settings_in(var))
    return await accept_loss(database, sealer_in(var), loss, PEOPLE, reason=reason, now=moment())


async def test_what_no_pass_had_sealed_is_missed_by_its_position_and_accepted_by_two(
    fresh_database: Database, tmp_path: Path
) -> None:
    await noted(fresh_database)
    await sealed(fresh_database, tmp_path)
    with pytest.raises(NothingLost):
        await find_loss(fresh_database.url, settings_in(tmp_path))
    async with copy_of(fresh_database) as standby:
        gone = [await noted(fresh_database) for _ in range(3)]
        assert (await verdict_of(standby, tmp_path)).holds, "nobody outside knows yet"
        assert await positioned(fresh_database, tmp_path)
        assert not await positioned(fresh_database, tmp_path), "nothing was written since"
        found = await verdict_of(standby, tmp_path)
        assert {one.flaw for one in found.findings} == {Flaw.OUTSIDE_ROWS}
        assert {one.id for one in found.findings} == set(gone)
        loss = await find_loss(standby.url, settings_in(tmp_path))
        assert set(loss.rows) == {f"audit {row}" for row in gone}
        assert (loss.kept, loss.sealed, loss.unnamed) == (1, 1, 0)
        assert await accepted(standby, tmp_path) == 1, "the epoch's own event"
        verdict = await verdict_of(standby, tmp_path)
        assert verdict.holds
        assert [(one.epoch, one.rows) for one in verdict.accepted] == [(2, loss.rows)]
        assert (await verdict_of(fresh_database, tmp_path)).accepted == ()


async def test_what_was_sealed_and_lost_contradicts_until_it_is_accepted(
    fresh_database: Database, tmp_path: Path
) -> None:
    await noted(fresh_database)
    await sealed(fresh_database, tmp_path)
    async with copy_of(fresh_database) as standby:
        for _ in range(2):
            await noted(fresh_database)
            await sealed(fresh_database, tmp_path)
            await positioned(fresh_database, tmp_path)
        await noted(standby)
        await sealed(standby, tmp_path)
        found = {one.flaw for one in (await verdict_of(standby, tmp_path)).findings}
        assert found == {Flaw.OUTSIDE_LONGER, Flaw.OUTSIDE_ROOT}
        loss = await find_loss(standby.url, settings_in(tmp_path))
        assert (loss.kept, loss.sealed, loss.timeline) == (1, 3, "00000001")
        assert loss.since is not None
        assert loss.until is not None
        await accepted(standby, tmp_path)
        await noted(standby)
        await sealed(standby, tmp_path)
        await positioned(standby, tmp_path)
        verdict = await verdict_of(standby, tmp_path)
        assert (verdict.findings, len(verdict.accepted)) == ((), 1)
        await export_log(standby.url, settings_in(tmp_path), tmp_path / "bundle")
        [aside] = (tmp_path / "checkpoints").rglob("lost-2")
        other = tool().verify(tmp_path / "bundle", aside)
        assert (other.findings, other.accepted) == ([], 2)


async def test_a_second_loss_is_another_one(fresh_database: Database, tmp_path: Path) -> None:
    await noted(fresh_database)
    await sealed(fresh_database, tmp_path)
    async with copy_of(fresh_database) as first, copy_of(fresh_database) as second:
        await noted(fresh_database)
        await positioned(fresh_database, tmp_path)
        await accepted(first, tmp_path, "the first")
        assert not (await verdict_of(second, tmp_path)).holds, "accepted there, not here"
        async with copy_of(first) as third:
            await noted(first)
            await sealed(first, tmp_path)
            assert {one.flaw for one in (await verdict_of(third, tmp_path)).findings} == {Flaw.OUTSIDE_LONGER}
            await accepted(third, tmp_path, "the second")
            verdict = await verdict_of(third, tmp_path)
            assert verdict.holds
            assert [one.reason for one in verdict.accepted] == ["the first", "the second"]


async def test_one_person_or_a_trader_accepts_nothing_and_no_tampering_is_a_loss(
    fresh_database: Database, tmp_path: Path
) -> None:
    await noted(fresh_database)
    await sealed(fresh_database, tmp_path)
    async with copy_of(fresh_database) as standby:
        await noted(fresh_database)
        await positioned(fresh_database, tmp_path)
        loss, sealer = await find_loss(standby.url, settings_in(tmp_path)), sealer_in(tmp_path)
        with pytest.raises(OnePersonAccepts):
            await accept_loss(standby, sealer, loss, [PEOPLE[0], PEOPLE[0]], reason="-", now=moment())
        with pytest.raises(LossNotTheirs):
            await accept_loss(standby, sealer, loss, [PEOPLE[0], ("b", ADMIN)], reason="-", now=moment())
        async with owner_connection(standby.url, session_replication_role="replica") as owner:
            await owner.execute("UPDATE audit_event SET action = 'nothing'")
        with pytest.raises(LogBroken):
            await find_loss(standby.url, settings_in(tmp_path))


async def test_who_has_only_the_database_accepts_nothing(fresh_database: Database, tmp_path: Path) -> None:
    """The event of an acceptance, signed by another key."""
    await noted(fresh_database)
    await sealed(fresh_database, tmp_path)
    async with copy_of(fresh_database) as standby:
        await noted(fresh_database)
        await positioned(fresh_database, tmp_path)
        loss = await find_loss(standby.url, settings_in(tmp_path))
        stranger = sealer_in(tmp_path / "stranger")
        await accept_loss(standby, stranger, loss, PEOPLE, reason="-", now=moment())
        verdict = await verdict_of(standby, tmp_path)
        assert Flaw.OUTSIDE_ROWS in {one.flaw for one in verdict.findings}
        assert verdict.accepted == ()


async def test_a_position_whose_rows_are_gone_is_put_aside_and_not_overwritten(
    fresh_database: Database, tmp_path: Path
) -> None:
    """As after a failover under the same name: the next process finds it, and writes its own beside it."""
    row = await noted(fresh_database)
    await positioned(fresh_database, tmp_path)
    async with owner_connection(fresh_database.url, session_replication_role="replica") as owner:
        await owner.execute("DELETE FROM audit_event WHERE id = $1", row)
    await noted(fresh_database)
    assert await positioned(fresh_database, tmp_path)
    async with fresh_database.connection() as connection:
        folder = await sealer_in(tmp_path).place(connection)
    assert [path.name.partition("-")[0] for path in sorted(folder.glob("position*"))] == [
        "position",
        "position.txt",
    ]
    verdict = await verdict_of(fresh_database, tmp_path)
    assert [(one.flaw, one.id) for one in verdict.findings] == [(Flaw.OUTSIDE_ROWS, row)]
    (folder / "position.txt").write_text("nobody signed this", encoding="utf-8")
    found = {one.flaw for one in (await verdict_of(fresh_database, tmp_path)).findings}
    assert Flaw.OUTSIDE_SIGNATURE in found
