"""Whatever a market does before and after a copy of it is taken: what the outside knew, and the copy lacks, is found."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamarket.evidence.losses.acceptance import accept_loss
from datamarket.evidence.losses.positions import WritePosition, position_of
from datamarket.foundation.db import Database
from datamarket.server.sealing import find_loss, verify_log
from tests.conftest import own_database
from tests.world.losses import PEOPLE, copy_of, noted, positioned, sealed
from tests.world.people import moment
from tests.world.sealing import sealer_in, settings_in

DEEDS = st.lists(st.sampled_from(["write", "seal", "position"]), max_size=8)
OCTETS = st.integers(0, 2**64 - 1)


async def do(database: Database, var: Path, deeds: list[str]) -> tuple[int, int]:
    """How many rows have no leaf in the end; of how many that were written, from the first on, something outside knows."""
    written = known = unsealed = 0
    for deed in deeds:
        if deed == "write":
            await noted(database)
            written, unsealed = written + 1, unsealed + 1
        else:
            await (sealed if deed == "seal" else positioned)(database, var)
            known, unsealed = written, 0 if deed == "seal" else unsealed
    return unsealed, known


@given(deeds=st.tuples(DEEDS, DEEDS, DEEDS))
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
async def test_what_is_known_outside_and_gone_is_found_accepted_and_named(
    server_url: str,
    database_url: str,
    worker_id: str,
    deeds: tuple[list[str], list[str], list[str]],
) -> None:
    before, meanwhile, after = deeds
    with TemporaryDirectory() as folder:
        var = Path(folder)
        async with own_database(server_url, worker_id) as market:
            # a first checkpoint says whose folder it is
            unsealed, _ = await do(market, var, ["write", "seal", *before])
            async with copy_of(market) as standby:
                _, known = await do(market, var, meanwhile)
                await do(standby, var, after)
                verdict = await verify_log(standby.url, settings_in(var))
                # the outside knows leaves only, of rows that the copy has
                leaves_alone = bool(unsealed and "seal" in meanwhile and not known)
                if not leaves_alone or "seal" not in after:  # else the copy may have made the same ones
                    assert verdict.holds == (known == 0 and not leaves_alone)
                lost = not verdict.holds
                if lost:
                    loss = await find_loss(standby.url, settings_in(var))
                    assert loss.sealed - loss.kept + len(loss.rows) + loss.unnamed >= known
                    sealer = sealer_in(var)
                    await accept_loss(standby, sealer, loss, PEOPLE, reason="drill", now=moment())
                await do(standby, var, [*after, "write", "seal", "position"])
                verdict = await verify_log(standby.url, settings_in(var))
                assert (verdict.findings, len(verdict.accepted)) == ((), int(lost))
                assert (await verify_log(market.url, settings_in(var / "nobody"))).blocks


@given(st.lists(st.uuids(), max_size=5), st.one_of(st.none(), st.text()), OCTETS, OCTETS)
def test_a_position_is_read_as_it_was_written_and_goes_on_by_its_octets(
    rows: list[object], checkpoint: str | None, first: int, second: int
) -> None:
    with TemporaryDirectory() as folder:
        notary = sealer_in(Path(folder)).notary
    one, other = (
        WritePosition(moment(), "00000001", f"{octet >> 32:X}/{octet % 2**32:X}", checkpoint, (), 0)
        for octet in (first, second)
    )
    assert other.continues(one) == (second >= first)
    named = WritePosition(one.at, one.timeline, one.lsn, checkpoint, tuple(("entry", row) for row in rows), 3)  # type: ignore[misc]
    assert position_of(notary.stamp(named.text(notary.origin)), notary.reader) == named
    assert position_of(named.text(notary.origin), notary.reader) is None
