"""The seed folder describes one city: every reference resolves, every count and rule of the market holds."""

import csv
import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from datamarket.catalogue.listings.rules import check_plan
from datamarket.catalogue.listings.terms import PriceModel, PricePlan

SEED = Path(__file__).parents[2] / "seed"
FILES = sorted(SEED.iterdir())
CJK = re.compile(r"[\u4e00-\u9fff]")
LEVELS = ["general", "important", "core"]
COLUMNS = {
    "participants.csv": """code uscc name_zh name_en kind income_class division industry
        controller control_from note""",
    "resources.csv": """code zone supplying_unit name_zh name_en level registered_on
        registration_code records_hint""",
    "products.csv": """code maker zone scenario resources name_zh name_en summary_zh summary_en category
        modality delivery_form level venue price_model price_fen period_days family""",
    "cases.csv": """code enterprise title_zh title_en field level listed_on list_name list_number investment_fen
        investment_verified note""",
}
SHAPES = {
    "per_call": range(5, 50_000 + 1),
    "one_off": range(1_000_000, 50_000_000 + 1),
    "per_period": range(500_000, 20_000_000 + 1),
    "free": range(1),
}

Row = dict[str, str]


def rows(name: str) -> list[Row]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def documents(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((SEED / name).read_text(encoding="utf-8"))
    return loaded


PARTICIPANTS = {row["code"]: row for row in rows("participants.csv")}
RESOURCES = {row["code"]: row for row in rows("resources.csv")}
PRODUCTS = rows("products.csv")
OPERATION = [row for row in PRODUCTS if row["zone"]]
EXCHANGE = [row for row in PRODUCTS if not row["zone"]]
CASES = rows("cases.csv")
ZONES = {zone["code"]: zone for zone in documents("zones.yaml")}
VENUES = {venue["code"]: venue for venue in documents("venues.yaml")}
PLANS = documents("price_plans.yaml")
SCENARIOS = {scene["code"]: (zone, scene) for zone in ZONES.values() for scene in zone["scenarios"]}


def kind_of(code: str) -> str:
    return PARTICIPANTS[code]["kind"]


def controllers_of(code: str) -> list[str]:
    """Everyone above `code`, nearest first; a circle of control fails the test that asks."""
    chain: list[str] = []
    while code := PARTICIPANTS[code]["controller"]:
        assert code not in chain
        chain.append(code)
    return chain


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_are_plain_utf8_with_unix_line_ends(path: Path) -> None:
    raw = path.read_bytes()
    assert raw.decode("utf-8").endswith("\n")
    assert b"\r" not in raw
    assert not raw.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_the_agreed_ones_and_codes_are_unique(name: str) -> None:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        head, *body = csv.reader(file, strict=True)
    assert head == COLUMNS[name].split()
    assert {len(row) for row in body} == {len(head)}
    assert len({row[0] for row in body}) == len(body)


def test_the_city_has_the_reported_size() -> None:
    assert len(ZONES) == 8
    assert len({scene["family"] for _, scene in SCENARIOS.values()}) == 11
    assert len(OPERATION) == 99
    assert len(EXCHANGE) == 384
    assert Counter(row["kind"] for row in PARTICIPANTS.values()) == {
        "authority": 1,
        "finance": 1,
        "auditor": 1,
        "supplying_unit": 12,
        "zone_operator": 8,
        "venue_operator": 5,
        "third_party": 4,
        "enterprise": 92,
    }


def test_every_name_stands_in_both_languages_and_only_once() -> None:
    named: list[tuple[str, str]] = [
        (entry["name_zh"], entry["name_en"])
        for entry in [
            *PARTICIPANTS.values(),
            *RESOURCES.values(),
            *PRODUCTS,
            *ZONES.values(),
            *VENUES.values(),
            *(scene for _, scene in SCENARIOS.values()),
        ]
    ]
    titled = [(case["title_zh"], case["title_en"]) for case in CASES]
    summaries = [(product["summary_zh"], product["summary_en"]) for product in PRODUCTS]
    for zh, en in [*named, *titled, *summaries]:
        assert CJK.search(zh), zh
        assert en, zh
        assert not CJK.search(en), en
    for names in zip(*named, strict=True):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_credit_code_carries_its_check_digit() -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    codes = [row["uscc"] for row in PARTICIPANTS.values()]
    assert len(set(codes)) == len(codes)
    for row in PARTICIPANTS.values():
        digits = [alphabet.index(character) for character in row["uscc"]]
        assert len(digits) == 18
        assert (sum(digit * 3**place for place, digit in enumerate(digits[:17])) + digits[17]) % 31 == 0
        assert row["uscc"][2:8] == row["division"]


def test_no_credit_code_can_be_that_of_a_real_organisation() -> None:
    for row in PARTICIPANTS.values():
        body, check = row["uscc"][8:16], row["uscc"][16]
        weighed = sum(int(c, 36) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
        genuine = "0123456789X"[-weighed % 11]
        assert body.startswith("QD")
        assert check != genuine


def test_most_merchants_sit_in_the_city() -> None:
    merchants = [row for row in PARTICIPANTS.values() if row["kind"] == "enterprise"]
    assert sum(row["division"].startswith("3702") for row in merchants) == 80
    assert all(re.fullmatch(r"\d{6}", row["division"]) for row in PARTICIPANTS.values())
    assert all(re.fullmatch(r"\d{4}", row["industry"]) for row in PARTICIPANTS.values())


def test_income_classes_follow_the_kind_of_unit() -> None:
    supplying = {row["income_class"] for row in PARTICIPANTS.values() if row["kind"] == "supplying_unit"}
    assert supplying == {"administrative", "institution", "enterprise"}
    for row in PARTICIPANTS.values():
        if row["kind"] in {"authority", "finance", "auditor"}:
            assert row["income_class"] == "administrative"
        elif row["kind"] != "supplying_unit":
            assert row["income_class"] == "enterprise"


def test_control_is_dated_acyclic_and_once_shared() -> None:
    controlled = {code: row for code, row in PARTICIPANTS.items() if row["controller"]}
    assert all(bool(row["controller"]) == bool(row["control_from"]) for row in PARTICIPANTS.values())
    for code, row in controlled.items():
        assert controllers_of(code)
        dt.date.fromisoformat(row["control_from"])
    pairs = [row["controller"] for row in controlled.values() if kind_of(row["controller"]) == "enterprise"]
    assert 6 <= len(pairs) <= 8
    assert max(Counter(pairs).values()) == 2


def test_mandates_cover_the_replayed_years_within_five_years() -> None:
    for zone in ZONES.values():
        mandate = zone["mandate"]
        start, end = mandate["term_from"], mandate["term_to"]
        assert mandate["mode"] in {"field", "whole", "scenario"}
        assert start <= dt.date(2024, 1, 1)
        assert end >= dt.date(2027, 1, 1)
        assert end <= start.replace(year=start.year + 5)
        assert start <= zone["opened_on"]
        assert isinstance(mandate["filed_on"], dt.date)
        assert kind_of(zone["operator"]) == "zone_operator"
        assert zone["source"]


def test_venues_say_who_runs_them_and_which_count_for_the_subsidy() -> None:
    assert [venue["kind"] for venue in VENUES.values() if venue["qualified_for_subsidy"]] == [
        "data_exchange",
        "ocean_exchange",
    ]
    for venue in VENUES.values():
        assert kind_of(venue["operator"]) == "venue_operator"
        assert (venue["qualified_from"] is not None) == venue["qualified_for_subsidy"]
        assert type(venue["fee_bps"]) is int
        assert venue["fee_payer"] == "seller"


def test_resources_belong_to_a_zone_and_were_registered_under_its_mandate() -> None:
    assert Counter(row["level"] for row in RESOURCES.values())["core"] == 2
    assert len({row["registration_code"] for row in RESOURCES.values()}) == len(RESOURCES)
    assert {row["zone"] for row in RESOURCES.values()} == set(ZONES)
    for row in RESOURCES.values():
        registered = dt.date.fromisoformat(row["registered_on"])
        assert kind_of(row["supplying_unit"]) == "supplying_unit"
        assert row["level"] in LEVELS
        assert registered >= ZONES[row["zone"]]["opened_on"]
        assert re.fullmatch(rf"QD-370200-{registered.year}-\d{{6}}", row["registration_code"])
        assert int(row["records_hint"]) > 0


def test_operation_products_stand_on_resources_of_their_zone_and_never_on_core_ones() -> None:
    for product in OPERATION:
        resources = [RESOURCES[code] for code in product["resources"].split(";")]
        zone, scene = SCENARIOS[product["scenario"]]
        assert zone["code"] == product["zone"]
        assert {resource["zone"] for resource in resources} == {product["zone"]}
        assert product["level"] == max((r["level"] for r in resources), key=LEVELS.index)
        assert product["level"] != "core"
        assert product["family"] == scene["family"]
    assert {product["scenario"] for product in OPERATION} == set(SCENARIOS)


def test_no_operator_nor_its_affiliate_makes_products_in_its_own_zone() -> None:
    for product in OPERATION:
        operator = ZONES[product["zone"]]["operator"]
        assert operator not in {product["maker"], *controllers_of(product["maker"])}


def test_exchange_products_need_no_zone() -> None:
    for product in EXCHANGE:
        assert {product[column] for column in ("scenario", "resources", "family")} == {""}
        assert product["level"] in {"general", "important"}


def test_every_merchant_makes_something_and_only_merchants_do() -> None:
    merchants = {code for code in PARTICIPANTS if kind_of(code) == "enterprise"}
    assert {product["maker"] for product in PRODUCTS} == merchants


def test_prices_have_the_shape_of_their_model() -> None:
    for product in PRODUCTS:
        model = product["price_model"]
        assert product["venue"] in VENUES
        assert product["delivery_form"] in {"dataset", "api", "report", "model"}
        assert int(product["price_fen"]) in SHAPES[model]
        assert product["period_days"].isdigit() == (model == "per_period")


def test_each_price_model_is_listed_and_further_plans_count_by_the_month() -> None:
    further = {
        row["product"]: PricePlan.stored(row["model"], row["price_fen"], None, row["terms"]) for row in PLANS
    }
    assert {plan.model for plan in further.values()} | {*SHAPES} == {*PriceModel}
    firsts = {product["code"]: product for product in EXCHANGE}
    for code, plan in further.items():
        check_plan(plan, None)
        assert plan.counts
        assert plan.model != firsts[code]["price_model"]


def test_products_are_free_exactly_where_the_use_is_public_good() -> None:
    free = {product["code"] for product in PRODUCTS if product["price_model"] == "free"}
    good = {p["code"] for p in OPERATION if SCENARIOS[p["scenario"]][1]["use_class"] == "public_good"}
    assert free == good
    assert 5 <= 100 * len(free) // len(PRODUCTS) <= 7


def test_cases_stand_on_both_sides_of_each_condition() -> None:
    national = [c for c in CASES if c["level"] == "national" and c["listed_on"].startswith("2024")]
    assert 6 <= len(national) <= 7
    assert {"200000000", "333333333", "333333335", "500000000"} <= {c["investment_fen"] for c in national}
    assert {c["investment_verified"] for c in national} == {"true", "false"}
    assert any(not PARTICIPANTS[c["enterprise"]]["division"].startswith("3702") for c in national)
    assert any("already claimed" in c["note"] for c in national)
    assert {c["level"] for c in CASES} == {"national", "provincial", "city"}
    for case in CASES:
        dt.date.fromisoformat(case["listed_on"])
        assert kind_of(case["enterprise"]) == "enterprise"


def test_the_sources_say_that_firms_are_fictional_and_the_market_simulated() -> None:
    text = (SEED / "SOURCES.md").read_text(encoding="utf-8")
    for words in ("fictional", "simulated", "虚构", "模拟市场", "[law]", "[report]", "[assumed]"):
        assert words in text
