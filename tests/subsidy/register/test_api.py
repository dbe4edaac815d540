"""Schemes and budgets over HTTP."""

import pytest

from datamarket.subsidy.scheme import files as scheme_files
from tests.subsidy.conftest import Market
from tests.world.people import AUTHORITY, FINANCE
from tests.world.subsidy import CITY, YEAR


@pytest.mark.edge(62)
async def test_a_scheme_version_is_proposed_by_one_and_approved_by_another(market: Market) -> None:
    editor, approver = market.client(market.officers.calculator), market.client(market.officers.reviewer)
    path = f"/subsidy/schemes/{CITY}/versions"
    text = scheme_files.shipped_scheme(CITY).decode()
    faulty = await editor.post(path, json={"content": text.replace('"30%"', "0.3", 1)})
    line = text[: text.index('"30%"')].count("\n") + 1
    assert (faulty.status_code, faulty.json()["code"]) == (422, "subsidy.scheme-invalid")
    assert f"line {line} " in faulty.json()["detail"]
    other = await editor.post(path, json={"content": text.replace(f"id: {CITY}", "id: another", 1)})
    assert other.json()["code"] == "subsidy.scheme-id-differs"
    same = await editor.post(path, json={"content": text})
    assert (same.status_code, same.json()["code"]) == (409, "subsidy.version-taken")
    changed = text.replace('{2024-01-01: "1%"}', '{2024-01-01: "1.5%"}')
    drafted = await editor.post(path, json={"content": changed})
    assert (drafted.status_code, drafted.json()["n"]) == (201, 2), drafted.text
    twice = await editor.post(path, json={"content": changed + "# again\n"})
    assert (twice.status_code, twice.json()["code"]) == (409, "subsidy.draft-open")
    own = await editor.post(f"{path}/2/events", json={"event": "approve"})
    assert (own.status_code, own.json()["code"]) == (409, "subsidy.own-scheme")
    approved = await approver.post(f"{path}/2/events", json={"event": "approve"})
    assert approved.json()["state"] == "approved", approved.text
    versions = (await approver.get(path)).json()["items"]
    assert [(version["n"], version["state"]) for version in versions] == [(2, "approved"), (1, "retired")]
    assert (await approver.get(f"{path}/2/file")).text == changed
    assert (await approver.get(f"{path}/2/schema")).json()["title"] == "Scheme"
    assert (await approver.get(f"{path}/2/document")).json()["clauses"][0]["rate"] == {"2024-01-01": "30%"}
    opened = await editor.post("/subsidy/runs", json={"scheme": CITY, "year": YEAR})
    assert opened.json()["scheme_version"] == 2


async def test_a_budget_is_set_by_finance_and_shown(market: Market) -> None:
    path = f"/subsidy/schemes/{CITY}/budgets"
    assert (await market.client(AUTHORITY).post(f"{path}/{YEAR}", json={"amount_fen": 1})).status_code == 403
    answer = await market.client(FINANCE).post(f"{path}/{YEAR}", json={"amount_fen": 500_000_000})
    assert answer.status_code == 201
    [budget] = (await market.get(path))["items"]
    assert (budget["amount_fen"], budget["committed_fen"]) == (500_000_000, 0)
