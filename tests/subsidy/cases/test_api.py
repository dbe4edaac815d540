"""Cases over HTTP: one project is one case, of two hands and a paper."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.participants.tables import Participant
from tests.conftest import ClientFor
from tests.world import subsidy as world
from tests.world.participants import acting_for
from tests.world.people import AUTHORITY, actor, unique
from tests.world.subsidy import VERIFIER

REPORT = b"%PDF-1.7 an audit report"


def project(owner: Participant, **more: Any) -> dict[str, Any]:
    return {
        "code": unique("CASE"),
        "enterprise_id": str(owner.id),
        "title_zh": unique("海洋气象"),
        "title_en": unique("Ocean"),
        "field": "ocean",
        "level": "national",
        "listed_on": "2024-05-24",
        "list_name": "国家级名单第一批",
        "list_number": unique("no"),
        "investment_fen": 333_333_333,
    } | more


def paper(content: bytes = REPORT, **more: Any) -> dict[str, Any]:
    return {
        "name": "专项审计报告.pdf",
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": base64.b64encode(content).decode(),
    } | more


async def registered(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    made = await client.post("/subsidy/cases", json=body)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_case_is_registered_by_one_and_verified_once_by_another_with_its_paper(
    database: Database, client_for: ClientFor
) -> None:
    owner, stranger = await world.enterprise(database), await world.enterprise(database)
    authority, verifier = client_for(AUTHORITY), client_for(VERIFIER)
    body = project(owner)
    made = await registered(authority, body)
    assert refused(await authority.post("/subsidy/cases", json=body)) == (409, "subsidy.case-code-taken")
    path = f"/subsidy/cases/{made['id']}"
    assert (await client_for(acting_for(owner)).get(path)).json()["verified_by"] is None
    assert (await client_for(acting_for(stranger)).get(path)).status_code == 404
    assert (await verifier.get(f"{path}/allowed-events")).json()["events"] == ["verify", "correct", "revoke"]
    event = {"event": "verify", "investment_fen": 300_000_000}
    assert refused(await verifier.post(f"{path}/events", json=event)) == (422, "subsidy.audit-paper-missing")
    event["paper_id"] = (await verifier.post("/subsidy/papers", json=paper())).json()["id"]
    bare = {"event": "verify", "paper_id": event["paper_id"]}
    assert refused(await verifier.post(f"{path}/events", json=bare)) == (422, "subsidy.investment-missing")
    verified = (await verifier.post(f"{path}/events", json=event)).json()
    assert (verified["state"], verified["verified_by"]) == ("verified", str(VERIFIER.account_id))
    assert refused(await verifier.post(f"{path}/events", json=event)) == (409, "subsidy.verified-already")
    listed = await authority.get("/subsidy/cases", params={"enterprise": str(owner.id), "state": "verified"})
    assert [case["investment_fen"] for case in listed.json()["items"]] == [300_000_000]
    alone = await authority.post("/subsidy/cases", json=project(owner) | {"verified": True})
    assert alone.status_code == 422


async def test_who_entered_or_corrected_a_case_never_verifies_it(
    database: Database, client_for: ClientFor
) -> None:
    owner = await world.enterprise(database)
    clerk, corrector = client_for(AUTHORITY), client_for(VERIFIER)
    made = await registered(clerk, project(owner))
    path = f"/subsidy/cases/{made['id']}"
    assert "verify" not in (await clerk.get(f"{path}/allowed-events")).json()["events"]
    report = (await clerk.post("/subsidy/papers", json=paper())).json()["id"]
    event = {"event": "verify", "investment_fen": 1, "paper_id": report}
    same = refused(await clerk.post(f"{path}/events", json=event))
    assert same == (409, "subsidy.case-hands-not-separate")
    mended = {"reason": "录入有误", "title_en": "Another title"}
    corrected = await corrector.patch(path, json=mended, headers={"If-Match": '"1"'})
    assert corrected.json()["state"] == "corrected"
    for hand in (clerk, corrector):
        assert refused(await hand.post(f"{path}/events", json=event)) == same
    third = await client_for(actor(Role.AUTHORITY)).post(f"{path}/events", json=event)
    assert (third.status_code, third.json()["state"]) == (200, "verified")


@pytest.mark.edge(45, part="filed by two")
async def test_of_one_list_a_number_stands_once_however_it_is_written(
    database: Database, client_for: ClientFor
) -> None:
    owner, other = await world.enterprise(database), await world.enterprise(database)
    authority = client_for(AUTHORITY)
    number = unique("A")
    first = await registered(authority, project(owner, list_name="List One (1)", list_number=number))
    again = project(other, list_name="ＬＩＳＴ one（1）", list_number=f" {number.lower()} ")
    taken = await authority.post("/subsidy/cases", json=again)
    assert refused(taken) == (409, "subsidy.list-number-taken")
    revoke = {"event": "revoke", "reason": "重复登记"}
    path = f"/subsidy/cases/{first['id']}/events"
    bare = await authority.post(path, json={"event": "revoke"})
    assert refused(bare) == (422, "case.reason-missing")
    revoked = await authority.post(path, json=revoke)
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert (await authority.post("/subsidy/cases", json=again)).status_code == 201
    last = await authority.post(path, json=revoke)
    assert refused(last) == (409, "state.transition-not-allowed")


async def test_a_case_that_looks_like_another_is_a_doubt_for_overseers_and_no_refusal(
    database: Database, client_for: ClientFor
) -> None:
    owner, other = await world.enterprise(database), await world.enterprise(database)
    authority = client_for(AUTHORITY)
    title = f"近海作业{unique('安全')}预警数据融合平台"
    first = await registered(authority, project(owner, title_zh=title, investment_fen=111_222_333))
    alike = project(other, title_zh=f"“{title.upper()}”　建设", investment_fen=None)
    second = await registered(authority, alike)
    found = {(doubt["code"], doubt["kind"]) for doubt in second["doubts"]}
    assert (first["code"], "title") in found
    same = project(other, listed_on=first["listed_on"], investment_fen=111_222_333)
    third = await registered(authority, same)
    assert (first["code"], "day_and_investment") in {(d["code"], d["kind"]) for d in third["doubts"]}
    seen = (await authority.get(f"/subsidy/cases/{first['id']}")).json()["doubts"]
    assert {second["code"], third["code"]} <= {doubt["code"] for doubt in seen}
    own = (await client_for(acting_for(owner)).get(f"/subsidy/cases/{first['id']}")).json()
    assert own["doubts"] == []


async def test_a_correction_says_why_keeps_before_and_after_and_asks_for_verification_again(
    database: Database, client_for: ClientFor
) -> None:
    owner = await world.enterprise(database)
    authority = client_for(AUTHORITY)
    made = await world.case(database, owner)
    path = f"/subsidy/cases/{made.id}"
    tag = {"If-Match": f'"{made.version}"'}
    body = {"reason": "审计报告附件有误", "investment_fen": 150_000_000}
    assert refused(await authority.patch(path, json=body)) == (428, "precondition.required")
    corrected = (await authority.patch(path, json=body, headers=tag)).json()
    assert (corrected["state"], corrected["verified_by"], corrected["paper_id"]) == ("corrected", None, None)
    events = await authority.get("/audit-events", params={"subject": str(made.id)})
    facts = next(item["facts"] for item in events.json()["items"] if item["action"] == "subsidy.correct-case")
    assert facts["before"] == {"investment_fen": 200_000_000}
    assert facts["after"] == {"investment_fen": 150_000_000}
    same = await authority.patch(path, json=body, headers={"If-Match": "*"})
    assert refused(same) == (422, "subsidy.nothing-corrected")


async def test_a_joint_case_is_one_project_whose_shares_add_up_and_whose_enterprises_see_it(
    database: Database, client_for: ClientFor
) -> None:
    lead, partner, stranger = [await world.enterprise(database) for _ in range(3)]
    authority = client_for(AUTHORITY)

    def shared(*parts: tuple[Participant, str]) -> dict[str, Any]:
        shares = [{"enterprise_id": str(firm.id), "share": share} for firm, share in parts]
        return project(lead, shares=shares)

    for wrong in (
        shared((lead, "1/3"), (partner, "1/3")),
        shared((partner, "1/3"), (stranger, "2/3")),
        shared((lead, "1/1")),
        shared((lead, "1/2"), (lead, "1/2")),
    ):
        answer = await authority.post("/subsidy/cases", json=wrong)
        assert refused(answer) == (422, "subsidy.shares-wrong")
    made = await registered(authority, shared((lead, "1/3"), (partner, "2/3")))
    assert {share["share"] for share in made["shares"]} == {"1/3", "2/3"}
    path = f"/subsidy/cases/{made['id']}"
    assert (await client_for(acting_for(partner)).get(path)).status_code == 200
    assert (await client_for(acting_for(stranger)).get(path)).status_code == 404
    body = {"reason": "联合体退出", "shares": []}
    alone = await authority.patch(path, json=body, headers={"If-Match": '"1"'})
    assert alone.json()["shares"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (paper() | {"sha256": "0" * 64}, "subsidy.paper-digest-differs"),
        (paper() | {"content": "abcde"}, "subsidy.paper-unreadable"),
        (paper(b"x" * (8 * 2**20 + 1)), "subsidy.paper-unreadable"),
    ],
)
async def test_a_paper_that_is_not_what_its_sender_says_is_not_kept(
    client_for: ClientFor, body: dict[str, Any], code: str
) -> None:
    authority = client_for(actor(Role.AUTHORITY))
    before = (await authority.get("/subsidy/papers")).json()
    assert refused(await authority.post("/subsidy/papers", json=body)) == (422, code)
    assert (await authority.get("/subsidy/papers")).json() == before


async def test_a_paper_is_a_file_that_its_owner_and_overseers_read_and_nobody_else(
    database: Database, client_for: ClientFor
) -> None:
    owner, stranger = await world.enterprise(database), await world.enterprise(database)
    mine = client_for(acting_for(owner))
    content = REPORT + unique("p").encode()
    sent = await mine.post("/subsidy/papers", json=paper(content))
    assert (sent.status_code, sent.json()["size"]) == (201, len(content))
    path = f"/subsidy/papers/{sent.json()['id']}"
    for reader in (mine, client_for(AUTHORITY)):
        file = await reader.get(f"{path}/file")
        assert (file.content, file.headers["content-type"]) == (content, "application/pdf")
    other = client_for(acting_for(stranger))
    assert [(await other.get(one)).status_code for one in (path, f"{path}/file")] == [404, 404]
    assert (await other.get("/subsidy/papers")).json()["items"] == []
    assert (await mine.get("/subsidy/papers")).json()["items"] == [sent.json()]
