"""Decisions about measurements: what a figure may be. Pure."""

from collections.abc import Mapping

from datamarket.catalogue.measurements.terms import QualityMeasure
from datamarket.foundation.errors import Conflict, Invalid, Refused

WHOLE = 10_000
"""Basis points."""


class MeasurementOfOwn(Refused):
    code = "measurement.of-own-product"
    zh = "开发方及其关联方不得测评自己的产品。"
    en = "Neither the maker of a product nor an affiliate measures its quality."


class MeasurementNotApproved(Refused):
    code = "measurement.version-not-approved"
    zh = "只测评审查通过的版本，该版本状态为“{state}”。"
    en = "Only an approved version is measured; this one is {state}."


class MeasurementUntimely(Invalid):
    code = "measurement.untimely"
    zh = "测评日期 {day} 晚于今天 {today}。"
    en = "The day of the measurement, {day}, lies after today, {today}."


class MeasurementTwice(Conflict):
    code = "measurement.twice"
    zh = "该机构当日对该版本的测评已登记，不得更改。"
    en = (
        "This organisation's measurement of the version on that day is recorded already, and does not change."
    )


class FigureImpossible(Invalid):
    code = "measurement.figure-impossible"
    zh = "“{measure}”以万分之一计，不得超过 10000：{value}。"
    en = "'{measure}' is counted in basis points, 10000 at most: {value}."


def check_figures(figures: Mapping[QualityMeasure, int]) -> None:
    """No share is above the whole. Raises FigureImpossible."""
    for measure, value in figures.items():
        if measure is not QualityMeasure.RESPONSE and value > WHOLE:
            raise FigureImpossible(measure=measure, value=value)
