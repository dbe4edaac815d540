"""What the files of the seed say reaches the market, and is held to there."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI

from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.conftest import client_of
from tests.world.people import NOON


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def documents(folder: Path, name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def market(city: Database, settings: Settings) -> FastAPI:
    return create_app(settings, city, read_clock=lambda: NOON)


async def acting_as(city: Database, username: str, *roles: Role) -> Actor:
    async with city.connection() as connection:
        row = await connection.fetchrow(
            "SELECT id, participant_id, roles FROM account WHERE username = $1", username
        )
    assert row is not None
    assert row["roles"] == sorted(roles)
    return Actor(row["id"], row["participant_id"], frozenset(roles))


async def test_records_categories_samples_and_measured_quality_are_answered(
    market: FastAPI, seed_folder: Path
) -> None:
    visitor = client_of(market, None, NOON)
    overview = (await visitor.get("/statistics/overview")).json()
    stated = sum(int(row["records_hint"]) for row in rows(seed_folder, "resources.csv"))
    assert overview["registered_records"] == stated == 4_965_890_000
    venues = {one["code"]: one for one in (await visitor.get("/venues?limit=50")).json()["items"]}
    for venue in documents(seed_folder, "venues.yaml"):
        assert venues[venue["code"]]["categories"] == venue["categories"]
    for row in documents(seed_folder, "described.yaml"):
        [card] = (await visitor.get("/listings", params={"category": row["category"], "limit": 1})).json()[
            "items"
        ]
        listing = (await visitor.get(f"/listings/{card['id']}")).json()
        assert listing["quality"] == row["promised"]
        assert [
            [one["name"], one["description"], one["sample"], *one["further"]]
            for one in listing["sample_fields"]
        ] == row["fields"]
        [measured] = (await visitor.get(f"/products/{card['product_id']}/measurements")).json()["items"]
        assert (measured["figures"], measured["measured_on"]) == (row["measured"], "2023-12-20")
    await visitor.aclose()


async def test_a_venue_of_the_seed_refuses_what_it_does_not_admit(market: FastAPI, city: Database) -> None:
    provider = client_of(market, await acting_as(city, "dm-001", Role.PROVIDER, Role.BUYER), NOON)
    [product, *_] = (await provider.get("/products?mine=true")).json()["items"]
    venues = {one["code"]: one["id"] for one in (await provider.get("/venues")).json()["items"]}
    body = {"product_id": product["id"], "plan": {"model": "one_off", "price_fen": 100}}
    answers = [
        await provider.post("/listings", json=body | {"venue_id": venues[code]})
        for code in ("V-COMPUTE", "V-DATA")
    ]
    assert [answer.status_code for answer in answers] == [409, 201], answers[1].text
    assert answers[0].json()["code"] == "listing.venue-does-not-admit"
    assert f"'{product['category']}'" in answers[0].json()["detail"]
    await provider.aclose()


async def test_each_organisation_of_the_seed_has_an_account_for_what_it_does(
    market: FastAPI, city: Database, seed_folder: Path
) -> None:
    wanted = {row["code"].lower() for row in rows(seed_folder, "participants.csv")} - {
        "auth-01",
        "fin-01",
        "aud-01",
    }
    async with city.connection() as connection:
        held = await connection.fetch("SELECT username FROM account WHERE participant_id IS NOT NULL")
        certified = await connection.fetchval(
            "SELECT count(*) FROM qualification WHERE kind = 'third_party_service'"
        )
    assert ({row["username"] for row in held}, certified) == (wanted, 4)
    inspector = client_of(market, await acting_as(city, "tp-04", Role.REVIEWER), NOON)
    venue = client_of(market, await acting_as(city, "vo-01", Role.OPERATOR), NOON)
    supplier = client_of(market, await acting_as(city, "su-01", Role.BUYER), NOON)
    assert [(await one.get("/auth/me")).status_code for one in (inspector, venue, supplier)] == [200] * 3
    for one in (inspector, venue, supplier):
        await one.aclose()
