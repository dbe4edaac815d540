"""Who is at the browser: cookies, forms of other sites, a sign-in that ends, and addresses that would lead elsewhere."""

from collections.abc import AsyncIterator

import httpx
import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.portal.sessions import ACCESS, BROWSER, LANGUAGE, REFRESH, local
from tests.world.accounts import PASSWORD, Hall, clerk
from tests.world.browser import Browser, PageRead, Values
from tests.world.people import AUDITOR, AUTHORITY, NOON

SIGN_IN = "/sign-in"


@pytest.fixture(scope="module")
def house(database: Database, settings: Settings) -> Hall:
    return Hall.of(settings, database)


@pytest.fixture
def hall(house: Hall) -> Hall:
    house.now = NOON
    return house


async def signed_in(hall: Hall, username: str, **more: str) -> tuple[Browser, httpx.Response]:
    browser = Browser(hall.app)
    given = {"username": username, "password": PASSWORD}
    return browser, await browser.send(SIGN_IN, given | more)


async def test_tokens_stand_in_cookies_that_no_script_and_no_other_site_gets(
    hall: Hall, database: Database
) -> None:
    browser, answer = await signed_in(hall, (await clerk(database)).username)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    given = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert {ACCESS, REFRESH} <= given.keys()
    for line in given.values():
        assert "HttpOnly" in line
        assert "SameSite=lax" in line
        assert "Path=/" in line
        assert "Domain" not in line
    browser.client.base_url = httpx.URL("https://market")
    secure = await browser.client.get("/?lang=zh")
    assert "Secure" in secure.headers["set-cookie"]
    page = await browser.client.get("/desk")
    assert page.headers["cache-control"] == "no-store"
    assert "'unsafe-" not in page.headers["content-security-policy"]


async def test_signing_out_ends_the_family_of_tokens_and_forgets_the_caller(
    hall: Hall, database: Database
) -> None:
    browser, _ = await signed_in(hall, (await clerk(database)).username)
    stolen = browser.client.cookies[REFRESH]
    page = await browser.open("/desk")
    answer = await browser.client.post("/sign-out", data=page.form("/sign-out"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert {ACCESS, REFRESH} & set(browser.client.cookies) == set()
    async with hall.client() as thief:
        assert (await thief.post("/auth/refresh", data={"refresh_token": stolen})).status_code == 401
    assert (await browser.client.get("/desk")).status_code == 303


async def test_who_has_been_away_goes_on_with_the_refresh_token_and_one_that_is_worn_asks_again(
    hall: Hall, database: Database
) -> None:
    browser, _ = await signed_in(hall, (await clerk(database)).username)
    first = browser.client.cookies[REFRESH]
    hall.later(hours=1)
    await browser.open("/desk")
    assert browser.client.cookies[REFRESH] != first
    hall.later(days=30)
    asked = await browser.client.get("/desk?x=1")
    assert asked.headers["location"] == "/sign-in?next=%2Fdesk%3Fx%3D1"


async def test_what_was_typed_before_the_sign_in_ended_stands_in_the_form_after_it(
    hall: Hall, database: Database
) -> None:
    username = (await clerk(database, Role.AUTHORITY)).username
    browser, _ = await signed_in(hall, username)
    typed = (await browser.open("/form/zones")).form("/form/zones") | {"name_zh": "尚未<提交>", "code": 'a"b'}
    hall.later(days=30)
    answer = await browser.client.post("/form/zones", data=typed)
    assert answer.status_code == 401
    asked = PageRead(answer.text).form(SIGN_IN)
    refused = await browser.client.post(
        SIGN_IN, data=asked | {"username": username, "password": "wrong, sadly"}
    )
    assert refused.status_code == 401
    again = PageRead(refused.text).form(SIGN_IN)
    resumed = await browser.client.post(SIGN_IN, data=again | {"password": PASSWORD})
    shown = await browser.client.post("/form/zones", data=PageRead(resumed.text).form("/form/zones"))
    fields = PageRead(shown.text).form("/form/zones")
    assert shown.status_code == 200
    assert {name: fields[name] for name in ("name_zh", "code", "key")} == {
        name: typed[name] for name in ("name_zh", "code", "key")
    }
    assert "alert" not in shown.text


async def test_a_form_without_the_token_of_this_browser_is_refused(hall: Hall) -> None:
    browser = await Browser(hall.app).become(AUTHORITY)
    shown = (await browser.open("/form/zones")).form("/form/zones")
    other = Browser(hall.app)
    foreign = (await other.open(SIGN_IN)).form(SIGN_IN)["form_token"]
    for token in ("", "x", foreign, "é"):
        answer = await browser.client.post("/form/zones", data=shown | {"form_token": token})
        assert (answer.status_code, "portal.form-foreign" in answer.text) == (403, True), token
    without = {name: value for name, value in shown.items() if name != "form_token"}
    assert (await browser.client.post("/form/zones", data=without)).status_code == 403
    across = await browser.client.post("/form/zones", data=shown, headers={"Sec-Fetch-Site": "cross-site"})
    assert across.status_code == 403
    assert (await browser.client.post("/sign-out", data={})).status_code == 403
    assert (await other.client.post(SIGN_IN, data={"username": "x", "password": "y"})).status_code == 403


async def test_after_signing_in_one_stays_here(hall: Hall, database: Database) -> None:
    username = (await clerk(database)).username
    for elsewhere in ("//evil.example", "/%0d%0aSet-Cookie: x=1"):
        _, answer = await signed_in(hall, username, next=elsewhere)
        led = answer.headers["location"]
        assert (answer.status_code, led.startswith("/"), led.startswith("//")) == (303, True, False)
        assert "x=1" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "target",
    ["", "desk", "//evil.example", "///evil.example", "/\\evil.example", "https://evil.example", "http:evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example", "javascript:alert(1)", "/\r\nx: y", "//evil.example/%2f.."],
)  # fmt: skip
def test_a_target_elsewhere_is_none(target: str) -> None:
    assert local(target, "/desk") == "/desk"


@pytest.mark.parametrize(
    "target", ["/", "/desk?x=//y", "/catalogue?text=港口&after=a%2Fb", "/desk/zones#main"]
)
def test_a_target_here_is_kept(target: str) -> None:
    assert local(target, "/desk") == target


async def test_a_path_leads_to_no_more_than_the_api(hall: Hall) -> None:
    browser = await Browser(hall.app).become(AUTHORITY)
    for path in (
        "/desk/%2e%2e/metrics",
        "/desk/..%2f..%2fmetrics",
        "/desk/%2e%2e/%2e%2e/openapi.json",
        "/file/%2e%2e/%2e%2e/metrics",
        "/file//evil.example/x",
        "/desk//evil.example",
        "/form/%2e%2e/%2e%2e/sign-out",
        "/desk/http:%2f%2fevil.example",
        "/desk/zones%00",
        "/desk/zones%0d%0ax:y",
        "/desk/zones%23",
    ):
        answer = await browser.client.get(path)
        assert answer.url.raw_path.decode() == path
        assert answer.status_code == 404, (path, answer.text[-500:])


async def test_a_host_that_is_claimed_stands_in_no_address(hall: Hall) -> None:
    browser = await Browser(hall.app).become(AUTHORITY)
    claimed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for path in ("/", "/desk", "/desk/zones", "/form/zones", "/?lang=en", "/sign-out", "/desk/", "/zones/"):
        answer = await browser.client.get(path, headers=claimed)
        assert "evil.example" not in answer.text + str(answer.headers), path


@pytest.mark.parametrize("garbage", ["", "xx", "zh; en", "../en", "%00", "é", "a" * 3000])
async def test_cookies_that_nobody_gave_break_nothing(hall: Hall, garbage: str) -> None:
    crumbs = "; ".join(f"{name}={garbage}" for name in (LANGUAGE, BROWSER, ACCESS, REFRESH))
    async with Browser(hall.app).client as client:
        sent = client.build_request("GET", "/sign-in", headers=[(b"cookie", crumbs.encode("latin-1"))])
        answer = await client.send(sent)
        assert answer.status_code == 200
        asked: Values = PageRead(answer.text).form(SIGN_IN) | {
            "username": "nobody",
            "password": "wrong, sadly",
        }
        refused = await client.post(SIGN_IN, data=asked, headers=[(b"cookie", crumbs.encode("latin-1"))])
        assert refused.status_code in {401, 403}


async def test_a_language_is_kept_when_it_is_one(hall: Hall) -> None:
    browser = Browser(hall.app)
    chosen = await browser.client.get("/sign-in?next=%2Fdesk&lang=zh")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/sign-in?next=%2Fdesk")
    assert "登录" in (await browser.open(SIGN_IN)).said
    assert (await browser.client.get("/sign-in?lang=fr")).status_code == 200
    assert "登录" in (await browser.open(SIGN_IN)).said


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data", b"--x--"),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&form_token=%e9"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(3000))),
        ("text/plain", b"form_token=x"),
    ],
)
async def test_a_body_that_is_no_form_is_refused(hall: Hall, kind: str, body: bytes) -> None:
    browser = Browser(hall.app)
    answer = await browser.client.post(SIGN_IN, content=body, headers={"Content-Type": kind})
    assert answer.status_code in {400, 403, 415, 422}, answer.text[-300:]
    chunked = await browser.client.post(SIGN_IN, content=_parts(body), headers={"Content-Type": kind})
    assert chunked.status_code == 413


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_who_is_told_to_come_again_is_still_signed_in(settings: Settings, database: Database) -> None:
    """The token was not looked at: it is as good as before."""
    hall = Hall.of(settings.model_copy(update={"refresh_limit": "1/minute"}), database)
    browser, _ = await signed_in(hall, (await clerk(database)).username)
    for status in (200, 429):
        hall.later(hours=1)
        assert (await browser.client.get("/desk")).status_code == status
    assert browser.client.cookies[REFRESH]


@pytest.mark.parametrize("path", ["/my/contracts", "/my/orders", "/oversight/payouts", "/oversight/accounts"])
async def test_a_question_that_nobody_knows_is_refused_whatever_it_is_called(hall: Hall, path: str) -> None:
    browser = await Browser(hall.app).become(AUDITOR)
    answer = await browser.client.get(f"{path}?path=/zones&self=1&method=POST")
    assert answer.status_code == 422
    assert "request.parameter-unknown" in answer.text
