"""The top-ten award from files, by DuckDB, polars and openfisca-core: `python -m loadtests.rivals.engines ENGINE FOLDER`.

Each is written as its users write it, and says its answers and its seconds as JSON. The plain SQL that DuckDB runs is
what PostgreSQL runs in `award`.
"""

import csv
import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

TOP, CAP_FEN = 10, 20_000_000
TABLES = ("trade", "refund", "venue", "related", "enterprise")
AWARD = """
WITH back AS (SELECT trade_id, sum(amount_fen) AS fen FROM refund WHERE refunded_at < '{cutoff}' GROUP BY trade_id),
sold AS (
    SELECT t.provider_id, sum(t.amount_fen - coalesce(b.fen, 0)) AS fen
      FROM trade AS t JOIN venue AS v ON v.id = t.venue_id AND t.occurred_at >= v.since
      LEFT JOIN back AS b ON b.trade_id = t.id
     WHERE t.occurred_at >= '{start}' AND t.occurred_at < '{end}' AND t.recorded_at <= '{as_of}'
       AND NOT EXISTS (SELECT 1 FROM related AS r WHERE r.a_id = t.provider_id AND r.b_id = t.buyer_id
                          AND t.occurred_at >= r.since AND (r.until IS NULL OR t.occurred_at < r.until))
     GROUP BY t.provider_id),
base AS (SELECT e.uscc, e.eligible, CAST(coalesce(s.fen, 0) AS bigint) AS fen FROM enterprise AS e LEFT JOIN sold AS s ON s.provider_id = e.id),
placed AS (SELECT uscc, rank() OVER (ORDER BY fen DESC) AS place FROM base WHERE eligible AND fen > 0)
SELECT b.uscc, b.fen, p.place,
       CASE WHEN p.place <= {top} THEN least(CAST((b.fen + 50 - (b.fen + 50) % 100) / 100 AS bigint), {cap}) ELSE 0 END AS award
  FROM base AS b LEFT JOIN placed AS p ON p.uscc = b.uscc
"""
Answers = dict[str, tuple[int, int | None, int]]


def award_sql(window: Mapping[str, str]) -> str:
    return AWARD.format(**window, top=TOP, cap=CAP_FEN)


def by_duckdb(folder: Path, window: Mapping[str, str]) -> Answers:
    import duckdb  # noqa: PLC0415 - each engine is loaded by who runs it

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in TABLES:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder / table}.csv')")  # noqa: S608 - our own names
    return {
        uscc: (fen, place, award)
        for uscc, fen, place, award in connection.execute(award_sql(window)).fetchall()
    }


def by_polars(folder: Path, window: Mapping[str, str]) -> Answers:
    import polars as pl  # noqa: PLC0415 - the same

    instants = {name: datetime.fromisoformat(told) for name, told in window.items()}
    read = {table: pl.read_csv(folder / f"{table}.csv", try_parse_dates=True) for table in TABLES}
    moments = {
        "refund": ["refunded_at"],
        "venue": ["since"],
        "related": ["since", "until"],
        "trade": ["occurred_at", "recorded_at"],
    }
    for table, columns in moments.items():
        read[table] = read[table].with_columns(pl.col(columns).cast(pl.Datetime("us", "UTC")))
    enterprises = read["enterprise"].with_columns(pl.col("eligible") == "t")
    back = (
        read["refund"]
        .filter(pl.col("refunded_at") < instants["cutoff"])
        .group_by("trade_id")
        .agg(pl.col("amount_fen").sum().alias("back"))
    )
    sales = (
        read["trade"]
        .join(read["venue"], left_on="venue_id", right_on="id")
        .filter(
            (pl.col("occurred_at") >= pl.col("since"))
            & (pl.col("recorded_at") <= instants["as_of"])
            & pl.col("occurred_at").is_between(instants["start"], instants["end"], closed="left")
        )
        .join(back, left_on="id", right_on="trade_id", how="left")
    )
    own = sales.join(
        read["related"].rename({"since": "from"}),
        left_on=["provider_id", "buyer_id"],
        right_on=["a_id", "b_id"],
    ).filter(
        (pl.col("occurred_at") >= pl.col("from"))
        & (pl.col("until").is_null() | (pl.col("occurred_at") < pl.col("until")))
    )
    net = pl.col("amount_fen") - pl.col("back").fill_null(0)
    sold = (
        sales.join(own.select("id"), on="id", how="anti").group_by("provider_id").agg(net.sum().alias("fen"))
    )
    base = enterprises.join(sold, left_on="id", right_on="provider_id", how="left").with_columns(
        pl.col("fen").fill_null(0)
    )
    placed = base.filter(pl.col("eligible") & (pl.col("fen") > 0)).with_columns(
        pl.col("fen").rank("min", descending=True).alias("place")
    )
    award = (
        pl.when(pl.col("place") <= TOP)
        .then(pl.min_horizontal((pl.col("fen") + 50) // 100, CAP_FEN))
        .otherwise(0)
    )
    rows = base.join(placed.select("uscc", "place"), on="uscc", how="left").with_columns(award.alias("award"))
    return {
        uscc: (fen, place, won)
        for uscc, fen, place, won in rows.select("uscc", "fen", "place", "award").iter_rows()
    }


def by_openfisca(folder: Path, window: Mapping[str, str]) -> Answers:
    """Sales are its persons, enterprises its groups; what counts is worked out before, as it joins no tables.

    Its money is its float, of 24 bits, as every country's rules in it have it.
    """
    import numpy as np  # noqa: PLC0415 - the same
    from openfisca_core.entities import build_entity  # noqa: PLC0415
    from openfisca_core.periods import DateUnit  # noqa: PLC0415
    from openfisca_core.simulations import SimulationBuilder  # noqa: PLC0415
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem  # noqa: PLC0415
    from openfisca_core.variables import Variable  # noqa: PLC0415

    enterprises = rows_of(folder, "enterprise")
    sold = counted_sales(folder, window) + [(row["id"], 0) for row in enterprises]  # a group needs a person
    sale = build_entity("sale", "sales", "", is_person=True)
    enterprise = build_entity("enterprise", "enterprises", "", roles=[{"key": "sold", "plural": "sold"}])

    class net(Variable):  # type: ignore[misc]  # noqa: N801 - names of variables are the model's words
        value_type, entity, definition_period = float, sale, DateUnit.YEAR

    class eligible(Variable):  # type: ignore[misc]  # noqa: N801
        value_type, entity, definition_period = bool, enterprise, DateUnit.YEAR

    class base(Variable):  # type: ignore[misc]  # noqa: N801
        value_type, entity, definition_period = float, enterprise, DateUnit.YEAR

        def formula(enterprise: Any, period: Any) -> Any:  # noqa: N805 - as its users write them
            return enterprise.sum(enterprise.members("net", period))

    class place(Variable):  # type: ignore[misc]  # noqa: N801
        value_type, entity, definition_period = int, enterprise, DateUnit.YEAR

        def formula(enterprise: Any, period: Any) -> Any:  # noqa: N805
            fen = enterprise("base", period)
            competing = enterprise("eligible", period) & (fen > 0)
            ahead = np.searchsorted(np.sort(-fen[competing]), -fen)
            return np.where(competing, ahead + 1, 0)

    class award(Variable):  # type: ignore[misc]  # noqa: N801
        value_type, entity, definition_period = float, enterprise, DateUnit.YEAR

        def formula(enterprise: Any, period: Any) -> Any:  # noqa: N805
            place = enterprise("place", period)
            exact = np.floor(enterprise("base", period) / 100 + 0.5)
            return np.where((place >= 1) & (place <= TOP), np.minimum(exact, CAP_FEN), 0)

    system = TaxBenefitSystem([sale, enterprise])
    system.add_variables(net, eligible, base, place, award)
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("sale", range(len(sold)))
    groups = builder.declare_entity("enterprise", [row["id"] for row in enterprises])
    builder.join_with_persons(groups, [seller for seller, _ in sold], ["sold"] * len(sold))
    simulation = builder.build(system)
    year = window["end"][:4]
    simulation.set_input("net", year, np.array([fen for _, fen in sold]))
    simulation.set_input("eligible", year, np.array([row["eligible"] == "t" for row in enterprises]))
    columns = [simulation.calculate(name, year) for name in ("base", "place", "award")]
    told = zip(enterprises, *columns, strict=True)
    return {row["uscc"]: (int(fen), int(at) or None, int(won)) for row, fen, at, won in told}


def counted_sales(folder: Path, window: Mapping[str, str]) -> list[tuple[str, int]]:
    """Seller and net fen of every sale that counts."""
    since = {row["id"]: row["since"] for row in rows_of(folder, "venue")}
    start, end, cutoff, as_of = (at(window[name]) for name in ("start", "end", "cutoff", "as_of"))
    back: dict[str, int] = {}
    for row in rows_of(folder, "refund"):
        if at(row["refunded_at"]) < cutoff:
            back[row["trade_id"]] = back.get(row["trade_id"], 0) + int(row["amount_fen"])
    own: dict[tuple[str, str], list[tuple[datetime, datetime | None]]] = {}
    for row in rows_of(folder, "related"):
        term = at(row["since"]), at(row["until"]) if row["until"] else None
        own.setdefault((row["a_id"], row["b_id"]), []).append(term)
    sold = []
    for row in rows_of(folder, "trade"):
        when, venue = at(row["occurred_at"]), since.get(row["venue_id"])
        terms = own.get((row["provider_id"], row["buyer_id"]), ())
        related = any(begins <= when and (ends is None or when < ends) for begins, ends in terms)
        known = start <= when < end and at(row["recorded_at"]) <= as_of
        if known and venue is not None and when >= at(venue) and not related:
            sold.append((row["provider_id"], int(row["amount_fen"]) - back.get(row["id"], 0)))
    return sold


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def at(told: str) -> datetime:
    """An instant as PostgreSQL writes it, `2024-03-01 04:00:00+00`, or as ISO 8601 has it."""
    return datetime.fromisoformat(told)


ENGINES: Mapping[str, Callable[[Path, Mapping[str, str]], Answers]] = {
    "DuckDB": by_duckdb,
    "polars": by_polars,
    "openfisca-core": by_openfisca,
}


def main() -> int:
    engine, folder = sys.argv[1], Path(sys.argv[2])
    window: dict[str, Any] = json.loads((folder / "window.json").read_text(encoding="utf-8"))
    begun = time.perf_counter()
    answers = ENGINES[engine](folder, window)
    print(json.dumps({"seconds": time.perf_counter() - begun, "answers": answers}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
