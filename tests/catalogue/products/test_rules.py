"""Levels and contents of products, and who may move a version."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.auth.terms import Role
from datamarket.catalogue.products import rules as product_rules
from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Modality,
    Processing,
    ProductEvent,
)
from datamarket.zones.terms import Level
from tests.world.people import actor

MAKER, OTHER, OPERATOR = (UUID(int=number) for number in (1, 2, 3))


@given(st.sampled_from(Level), st.lists(st.sampled_from(Level)), st.none() | st.just("re-assessed"))
def test_a_product_is_as_sensitive_as_its_most_sensitive_resource_unless_reassessed(
    level: Level, resources: list[Level], record: str | None
) -> None:
    ranks = list(Level)
    if record is None and any(ranks.index(resource) > ranks.index(level) for resource in resources):
        with pytest.raises(product_rules.LevelTooLow):
            product_rules.check_level(level, resources, record)
    else:
        product_rules.check_level(level, resources, record)


def test_raw_data_is_sold_only_by_who_owns_it() -> None:
    own = Content("原始观测", "raw", Modality.TEXT, DeliveryForm.DATASET, processing=Processing.RAW)
    product_rules.check_content(own, of_zone=False)
    with pytest.raises(product_rules.ResourcesMissing):
        product_rules.check_content(own, of_zone=True)
    public = Content("原始", "raw", Modality.TEXT, DeliveryForm.DATASET, (MAKER,), Processing.RAW)
    with pytest.raises(product_rules.RawPublicData):
        product_rules.check_content(public, of_zone=True)
    with pytest.raises(product_rules.ResourcesMissing):
        product_rules.check_content(public, of_zone=False)


@pytest.mark.parametrize("event", sorted(product_rules.RECALLS))
def test_a_recall_is_the_authoritys_alone(event: ProductEvent) -> None:
    everyone_else = actor(Role.PROVIDER, Role.OPERATOR, Role.REVIEWER, organisation=MAKER)
    assert product_rules.may_move_product(actor(Role.AUTHORITY), event, maker_id=MAKER)
    assert not product_rules.may_move_product(everyone_else, event, maker_id=MAKER)


@pytest.mark.parametrize("event", sorted(set(ProductEvent) - product_rules.RECALLS))
def test_reviews_are_for_reviewers_of_another_house_and_the_rest_for_the_maker(event: ProductEvent) -> None:
    everything = (Role.PROVIDER, Role.REVIEWER)
    of_maker, elsewhere = actor(*everything, organisation=MAKER), actor(*everything, organisation=OTHER)
    assert product_rules.may_move_product(elsewhere, event, maker_id=MAKER) is (
        event in product_rules.REVIEWS
    )
    assert product_rules.may_move_product(of_maker, event, maker_id=MAKER) is (
        event not in product_rules.REVIEWS
    )
    assert not product_rules.may_move_product(actor(Role.BUYER, organisation=MAKER), event, maker_id=MAKER)
