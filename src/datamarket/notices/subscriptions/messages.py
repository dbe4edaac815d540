"""An event as the message that a receiver gets: CloudEvents 1.0 in structured JSON, with the headers of its signature."""

import orjson

from datamarket.notices.events.terms import LABELS, Told
from datamarket.notices.subscriptions.rules import signature

MEDIA = "application/cloudevents+json; charset=utf-8"
"""Of the structured content mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md"""


def body_of(told: Told, ledger_id: int) -> bytes:
    """The event; `sequence` (an extension that CloudEvents documents) is its position in the feed."""
    zh, en = LABELS.get(told.type, (None, None))
    data = {
        "subject_type": told.subject_type,
        "subject_id": told.subject_id,
        "organisation_id": told.organisation_id,
        "type_zh": zh,
        "type_en": en,
        "facts": told.facts,
    }
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": told.id,
            "source": f"urn:datamarket:{ledger_id}",
            "type": told.type,
            "time": told.at,
            "subject": f"{told.subject_type}/{told.subject_id}",
            "sequence": f"{told.position:019d}",
            "datacontenttype": "application/json",
            "data": data,
        },
        default=str,
    )


def headers_of(told: Told, secret: bytes, at_seconds: int, body: bytes) -> dict[str, str]:
    """Standard Webhooks 1.0.0: the id is the event's, the same at every attempt; the time is that of this one."""
    return {
        "Content-Type": MEDIA,
        "User-Agent": "datamarket",
        "webhook-id": str(told.id),
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": signature(secret, str(told.id), at_seconds, body),
    }
