"""Loads the city's files through the actions, on the days that the files name."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.accounts import actions as accounts
from datamarket.auth.actions import actor_of
from datamarket.auth.terms import CLOCK, Actor, Role
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.catalogue.measurements.actions import measure_product
from datamarket.catalogue.measurements.terms import QualityMeasure
from datamarket.catalogue.products.terms import Content, DeliveryForm, Identity, Modality
from datamarket.catalogue.terms import Category
from datamarket.catalogue.venues import actions as venue_actions
from datamarket.catalogue.venues.terms import FeePayer, VenueKind, VenueTerms
from datamarket.foundation.db import Database
from datamarket.foundation.documents.plain_yaml import MAX_BYTES, read_plain_yaml
from datamarket.foundation.documents.reading import read_at_most
from datamarket.foundation.errors import Invalid
from datamarket.foundation.inputs.texts import ValueFault, check_file
from datamarket.foundation.money import Fen
from datamarket.foundation.spreadsheets import bounds
from datamarket.participants import actions as participant_actions
from datamarket.participants.affiliations import actions as affiliation_actions
from datamarket.participants.qualifications import actions as qualification_actions
from datamarket.participants.terms import IncomeClass, ParticipantEvent, ParticipantKind
from datamarket.simulation import queries
from datamarket.simulation.cases import enter_case
from datamarket.simulation.offers import offer_product, publish_listing, said_of
from datamarket.simulation.permitting import permit_income
from datamarket.simulation.terms import CERTIFIED_AS, OFFICES, ROLES_OF, Heard, Stage
from datamarket.zones import actions as zone_actions
from datamarket.zones import queries as zone_queries
from datamarket.zones import rules as zone_rules
from datamarket.zones.limits import limits_on
from datamarket.zones.mandates import actions as mandate_actions
from datamarket.zones.resources import actions as resource_actions
from datamarket.zones.resources import queries as resource_queries
from datamarket.zones.resources.terms import ResourceEvent
from datamarket.zones.terms import Level, MandateEvent, MandateMode, UseClass, ZoneEvent

CHUNK = 40
FOUNDED = datetime(2023, 1, 10, 1, tzinfo=UTC)
RENEWED_BEFORE = timedelta(days=30)
"""Within the last sixty days, in which a renewal is asked for."""
LISTED = datetime(2023, 12, 20, 1, tzinfo=UTC)
INSPECTOR = "TP-04"
"""Who measures the quality of every product of the files."""


class SeedFaulty(Invalid):
    code = "seed.faulty"
    zh = "种子数据有误：{file} 第 {row} 行：“{fault}”。"
    en = "The seed data is faulty: {file}, row {row}: '{fault}'."


@dataclass
class City:
    """What was loaded, by the codes of the files."""

    officials: dict[str, Actor] = field(default_factory=dict)
    organisations: dict[str, UUID] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    zones: dict[str, UUID] = field(default_factory=dict)
    operators: dict[str, Actor] = field(default_factory=dict)
    scenarios: dict[str, UUID] = field(default_factory=dict)
    resources: dict[str, UUID] = field(default_factory=dict)
    venues: dict[str, UUID] = field(default_factory=dict)
    products: dict[str, tuple[UUID, Actor, UUID]] = field(default_factory=dict)
    """Each with its maker and its venue."""
    listings: int = 0


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """One CSV file. Raises SeedFaulty when it is not there, too large or not UTF-8."""
    try:
        content = bounds.check_bytes(read_at_most(folder / name, bounds.MOST_BYTES))
        head, *rows = bounds.bounded(csv.reader(io.StringIO(check_file(content.decode()), newline="")))
        return [dict(zip(head, row, strict=True)) for row in rows if row]
    except (OSError, ValueError, csv.Error) as error:
        raise SeedFaulty(file=name, row=0, fault=error) from error


def documents_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """One YAML file that holds a list. Raises SeedFaulty."""
    try:
        content = read_at_most(folder / name, MAX_BYTES)
        read_plain_yaml(content)  # bounded and without aliases; what follows makes days of its dates
        loaded = yaml.safe_load(check_file(content.decode()))
    except (OSError, ValueError) as error:
        raise SeedFaulty(file=name, row=0, fault=error) from error
    if not isinstance(loaded, list):
        raise SeedFaulty(file=name, row=0, fault=ValueFault("不是列表", "not a list"))
    return loaded


def at(day: date, hour: int = 2) -> datetime:
    """Some hour of a business day."""
    return datetime.combine(day, time(hour), tzinfo=UTC)


async def renew_registrations(database: Database, until: date) -> None:
    """Operators renew in time what would be over by this day, as often as it takes."""
    async with database.transaction() as session:
        while due := await queries.lapsing(session, until):
            for resource_id, valid_to, operator in due:
                row = await resource_queries.lock_resource(session, resource_id, visible_to=operator)
                asked = at(valid_to - RENEWED_BEFORE)
                await resource_actions.move_resource(session, operator, row, ResourceEvent.RENEW, now=asked)
            await session.flush()


async def renew_mandates(database: Database, authority: Actor, until: date) -> None:
    """The authority renews in time, for as long as the rule allows, what would be over before this day."""
    async with database.transaction() as session:
        while due := await queries.ending(session, until):
            for zone_id, mandate_id, term_to in due:
                asked = term_to - RENEWED_BEFORE
                years = zone_rules.stated(limits_on(term_to).mandate_years, "mandate_years", term_to)
                await mandate_actions.move_mandate(
                    session,
                    authority,
                    await zone_queries.lock_mandate(session, zone_id, mandate_id),
                    MandateEvent.RENEW,
                    term_to=zone_rules.add_years(term_to, years),
                    filed_on=asked,
                    now=at(asked),
                )
            await session.flush()


class Loader:
    """Loads one city into one market."""

    def __init__(self, database: Database, folder: Path, papers: Path, password: str, heard: Heard) -> None:
        self.database = database
        self.folder = folder
        self.papers = papers
        self.password = password
        self.heard = heard
        self.city = City()
        self.described: dict[str, Any] = {}

    async def load(self) -> City:
        """Everything, in the order in which a market comes to be. Raises what an action refuses."""
        rows = rows_of(self.folder, "participants.csv")
        self.described = {row["category"]: row for row in documents_of(self.folder, "described.yaml")}
        async with self.database.transaction() as session:
            await self._open_official_accounts(session)
        await self._each(rows, self._participant)
        await self._each([row for row in rows if row["controller"]], self._affiliation)
        await self._each(documents_of(self.folder, "zones.yaml"), self._zone)
        await self._each(documents_of(self.folder, "venues.yaml"), self._venue)
        await self._each(rows_of(self.folder, "resources.csv"), self._resource)
        await self._each(rows_of(self.folder, "products.csv"), self._product)
        await self._each(rows_of(self.folder, "cases.csv"), self._case)
        await self._each(documents_of(self.folder, "price_plans.yaml"), self._price_plan)
        await self._each(documents_of(self.folder, "prices.yaml"), self._permitted_income)
        return self.city

    async def _each(self, rows: Sequence[Any], load: Callable[[AsyncSession, Any], Any]) -> None:
        """Row by row through the actions, some rows a transaction."""
        for start in range(0, len(rows), CHUNK):
            async with self.database.transaction() as session:
                for row in rows[start : start + CHUNK]:
                    await load(session, row)
                    self.heard(Stage.CITY, 1)

    @property
    def _authority(self) -> Actor:
        return self.city.officials["authority"]

    async def _open_official_accounts(self, session: AsyncSession) -> None:
        for username, role in OFFICES.items():
            self.city.officials[username] = await self._account(session, username, frozenset({role}), None)

    async def _account(
        self, session: AsyncSession, username: str, roles: frozenset[Role], participant_id: UUID | None
    ) -> Actor:
        account = await accounts.open_account(
            session,
            CLOCK,
            username=username,
            password=self.password,
            roles=roles,
            participant_id=participant_id,
            now=FOUNDED,
        )
        return actor_of(account)

    async def _participant(self, session: AsyncSession, row: dict[str, str]) -> None:
        kind = ParticipantKind(row["kind"])
        made = await participant_actions.register_participant(
            session,
            self._authority,
            **_of(row, "uscc", "name_zh", "name_en", "division", "industry"),
            kind=kind,
            income_class=IncomeClass(row["income_class"]),
            now=FOUNDED,
        )
        await participant_actions.move_participant(
            session, self._authority, made, ParticipantEvent.ADMIT, now=FOUNDED
        )
        self.city.organisations[row["code"]] = made.id
        if kind not in ROLES_OF:
            return
        self.city.actors[row["code"]] = await self._account(
            session, row["code"].lower(), ROLES_OF[kind], made.id
        )
        if kind in CERTIFIED_AS:
            await qualification_actions.grant_qualification(
                session,
                self._authority,
                participant_id=made.id,
                kind=CERTIFIED_AS[kind],
                granted_by="市大数据主管部门",
                granted_on=FOUNDED.date(),
                until_on=date(FOUNDED.year + 5, 1, 1),
                now=FOUNDED,
            )

    async def _affiliation(self, session: AsyncSession, row: dict[str, str]) -> None:
        await affiliation_actions.affiliate(
            session,
            self._authority,
            controller_id=self.city.organisations[row["controller"]],
            controlled_id=self.city.organisations[row["code"]],
            from_on=date.fromisoformat(row["control_from"]),
            now=FOUNDED,
        )

    async def _zone(self, session: AsyncSession, document: dict[str, Any]) -> None:
        operator = self.city.organisations[document["operator"]]
        opened = at(document["opened_on"])
        zone = await zone_actions.found_zone(
            session,
            self._authority,
            **_of(document, "code", "name_zh", "name_en", "field"),
            operator_id=operator,
            now=opened,
        )
        mandate = document["mandate"]
        await zone_actions.grant_mandate(
            session,
            self._authority,
            zone_id=zone.id,
            operator_id=operator,
            mode=MandateMode(mandate["mode"]),
            **_of(mandate, "term_from", "term_to", "filed_on"),
            now=opened,
        )
        await zone_actions.move_zone(session, self._authority, zone, ZoneEvent.OPEN, now=opened)
        self.city.zones[document["code"]] = zone.id
        self.city.operators[document["code"]] = self.city.actors[document["operator"]]
        for scenario in document["scenarios"]:
            added = await zone_actions.add_scenario(
                session,
                self._authority,
                zone_id=zone.id,
                **_of(scenario, "code", "name_zh", "name_en", "family"),
                use_class=UseClass(scenario["use_class"]),
                now=opened,
            )
            self.city.scenarios[scenario["code"]] = added.id

    async def _venue(self, session: AsyncSession, document: dict[str, Any]) -> None:
        terms = VenueTerms(
            document["name_zh"],
            document["name_en"],
            document["qualified_from"] if document["qualified_for_subsidy"] else None,
            document["source"],
            document["fee_bps"],
            FeePayer(document["fee_payer"]),
            document["qualified_to"],
        )
        venue = await venue_actions.open_venue(
            session,
            self._authority,
            code=document["code"],
            kind=VenueKind(document["kind"]),
            operator_id=self.city.organisations[document["operator"]],
            terms=terms,
            categories=[Category(word) for word in document["categories"]],
            now=FOUNDED,
        )
        self.city.venues[document["code"]] = venue.id

    async def _resource(self, session: AsyncSession, row: dict[str, str]) -> None:
        operator = self.city.operators[row["zone"]]
        coded = at(date.fromisoformat(row["registered_on"]))
        began = coded - timedelta(days=30)  # registration takes a month
        resource = await resource_actions.register_resource(
            session,
            operator,
            zone_id=self.city.zones[row["zone"]],
            supplying_unit_id=self.city.organisations[row["supplying_unit"]],
            **_of(row, "code", "name_zh", "name_en"),
            level=Level(row["level"]),
            records=int(row["records_hint"]),
            now=began,
        )
        await resource_actions.move_resource(session, operator, resource, ResourceEvent.SUBMIT, now=began)
        for event in (ResourceEvent.ACCEPT, ResourceEvent.REVIEW, ResourceEvent.PUBLICISE):
            await resource_actions.move_resource(session, self._authority, resource, event, now=began)
        await resource_actions.move_resource(
            session,
            self._authority,
            resource,
            ResourceEvent.CODE,
            registration_code=row["registration_code"],
            now=coded,
        )
        self.city.resources[row["code"]] = resource.id

    async def _product(self, session: AsyncSession, row: dict[str, str]) -> None:
        days = int(row["period_days"]) if row["period_days"] else None
        described = self.described[row["category"]]
        maker, venue_id = self.city.actors[row["maker"]], self.city.venues[row["venue"]]
        product_id = await offer_product(
            session,
            maker,
            self.city.officials,
            code=row["code"],
            identity=Identity(row["name_zh"], row["name_en"], Category(row["category"]), Level(row["level"])),
            content=Content(
                row["summary_zh"],
                row["summary_en"],
                Modality(row["modality"]),
                DeliveryForm(row["delivery_form"]),
                tuple(self.city.resources[code] for code in row["resources"].split(";") if code),
                **said_of(described),
            ),
            zone_id=self.city.zones.get(row["zone"]),
            scenario_id=self.city.scenarios.get(row["scenario"]),
            venue_id=venue_id,
            plan=PricePlan(PriceModel(row["price_model"]), Fen(int(row["price_fen"])), days),
            now=LISTED,
        )
        figures = {QualityMeasure(name): value for name, value in described["measured"].items()}
        inspector, day = self.city.actors[INSPECTOR], LISTED.date()
        await measure_product(session, inspector, product_id, measured_on=day, figures=figures, now=LISTED)
        self.city.products[row["code"]] = product_id, maker, venue_id
        self.city.listings += 1

    async def _price_plan(self, session: AsyncSession, row: dict[str, Any]) -> None:
        """Another price of a product on the venue where it is."""
        product_id, maker, venue_id = self.city.products[row["product"]]
        plan = PricePlan.stored(row["model"], row["price_fen"], None, row["terms"])
        await publish_listing(
            session,
            maker,
            self.city.officials,
            product_id=product_id,
            venue_id=venue_id,
            plan=plan,
            now=LISTED,
        )
        self.city.listings += 1

    async def _permitted_income(self, session: AsyncSession, row: dict[str, Any]) -> None:
        zone_id, operator = self.city.zones[row["zone"]], self.city.operators[row["zone"]]
        offices, made = self.city.officials, {code: one[0] for code, one in self.city.products.items()}
        await permit_income(
            session, row, zone_id=zone_id, operator=operator, offices=offices, products=made, now=LISTED
        )

    async def _case(self, session: AsyncSession, row: dict[str, str]) -> None:
        owner = self.city.organisations[row["enterprise"]]
        await enter_case(session, row, owner, offices=self.city.officials, papers=self.papers)


def _of(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What an action takes under the same name as the file has it."""
    return {name: row[name] for name in names}


def size_of(folder: Path) -> int:
    """How many rows `load` will report to its progress."""
    tables = ("participants.csv", "resources.csv", "products.csv", "cases.csv")
    affiliated = sum(bool(row["controller"]) for row in rows_of(folder, "participants.csv"))
    documents = sum(
        len(documents_of(folder, name))
        for name in ("zones.yaml", "venues.yaml", "price_plans.yaml", "prices.yaml")
    )
    return affiliated + documents + sum(len(rows_of(folder, name)) for name in tables)
