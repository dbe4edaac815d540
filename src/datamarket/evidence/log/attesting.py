"""What a document of this market proves, taken apart: each thing that was checked, and in what a false one is false.

Certificates and proofs as the API answers them, and signed notes. `tools/verify_evidence.py` comes to the same verdict
without sharing any code with this package.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from datamarket.evidence.log.merkle import has_grown, leaf_hash, root_from
from datamarket.evidence.log.notes import Checkpoint, NoteReader, NoteUntrusted
from datamarket.foundation.errors import Invalid
from datamarket.foundation.states import Labelled

CERTIFIED = ("number", "trade", "entry_id", "entry_digest")
"""What a certificate says, and its note signs."""


class DocumentUnknown(Invalid):
    code = "evidence.document-unknown"
    zh = "这不是本市场的凭证、证明或签名文本：应为接口答复的完整 JSON，或签名文本原文。"
    en = "This is no certificate, proof or signed note of this market: give the whole JSON of the answer, or the note as it was."


class Attestation(Labelled):
    """What is looked at in a document."""

    CHECKPOINT_SIGNED = (
        "checkpoint_signed",
        "检查点由本市场的密钥签名",
        "the checkpoint is signed by the market's key",
    )
    OLD_SIGNED = (
        "old_signed",
        "较早的检查点由本市场的密钥签名",
        "the older checkpoint is signed by the market's key",
    )
    NEW_SIGNED = (
        "new_signed",
        "较晚的检查点由本市场的密钥签名",
        "the newer checkpoint is signed by the market's key",
    )
    LEAF_SEALED = (
        "leaf_sealed",
        "该记录封存在检查点所签的日志中",
        "the row is in the log that the checkpoint signs",
    )
    LOG_GREW = (
        "log_grew",
        "较晚的日志完整包含较早的日志",
        "the newer log begins with the older one, unchanged",
    )
    NOTE_SIGNED = "note_signed", "文本由本市场的密钥签名", "the note is signed by the market's key"
    SAYS_WHAT_IS_SIGNED = (
        "says_what_is_signed",
        "所示内容与所签内容逐项一致",
        "what it says is what was signed, item by item",
    )
    ENTRY_IS_LEAF = (
        "entry_is_leaf",
        "结算分录即所封存的记录",
        "the settlement entry is the row that was sealed",
    )


@dataclass(frozen=True)
class Checked:
    """One thing that was checked; `found` names where a false one differs."""

    what: Attestation
    holds: bool
    found: str = ""


def attest(document: str, reader: NoteReader) -> list[Checked]:
    """Every check of a pasted document, in the order in which they stand on each other. Raises DocumentUnknown."""
    text = document.strip()
    if not text.startswith("{"):
        return _note(f"{text}\n", reader)
    try:
        told = json.loads(text)
        if "note" in told and "trade" in told:
            return list(_certificate(told, reader))
        return list(_proof(told, reader))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise DocumentUnknown from None


def _note(note: str, reader: NoteReader) -> list[Checked]:
    if "\n\n" not in note:
        raise DocumentUnknown
    opened = _opened(note, reader)
    if opened is not None:
        return [Checked(Attestation.CHECKPOINT_SIGNED, holds=True, found=f"{opened.size}")]
    return [Checked(Attestation.NOTE_SIGNED, holds=_text(note, reader) is not None)]


def _opened(note: str, reader: NoteReader) -> Checkpoint | None:
    try:
        return reader.open(note)
    except NoteUntrusted:
        return None


def _text(note: str, reader: NoteReader) -> str | None:
    try:
        return reader.text_of(note)
    except NoteUntrusted:
        return None


def _proof(told: Mapping[str, Any], reader: NoteReader) -> Iterator[Checked]:
    """Of inclusion where it tells a leaf, of growth where it tells two checkpoints."""
    path = [base64.b64decode(step, validate=True) for step in told["path"]]
    if "leaf" not in told:
        old, new = _opened(told["old_checkpoint"], reader), _opened(told["new_checkpoint"], reader)
        yield Checked(Attestation.OLD_SIGNED, holds=old is not None)
        yield Checked(Attestation.NEW_SIGNED, holds=new is not None)
        grew = (
            old is not None
            and new is not None
            and has_grown((old.size, old.root), (new.size, new.root), path)
        )
        yield Checked(
            Attestation.LOG_GREW, holds=grew, found=f"{old.size} → {new.size}" if old and new else ""
        )
        return
    leaf, head = told["leaf"], _opened(told["checkpoint"], reader)
    yield Checked(Attestation.CHECKPOINT_SIGNED, holds=head is not None, found=str(head.size) if head else "")
    hashed = leaf_hash(_leaf_content(leaf))
    sealed = head is not None and root_from(told["index"], head.size, hashed, path) == head.root
    yield Checked(
        Attestation.LEAF_SEALED, holds=sealed, found=f"{leaf['kind']} {leaf['id']} · {told['index']}"
    )


def _leaf_content(leaf: Mapping[str, Any]) -> bytes:
    """Each field behind its length, as the log takes them."""
    fields = (
        str(leaf["kind"]).encode(),
        int(leaf["ledger_id"]).to_bytes(4, signed=True),
        UUID(leaf["id"]).bytes,
        int(leaf["xid"]).to_bytes(8, signed=True),
        bytes.fromhex(leaf["digest"]),
    )
    return b"".join(len(one).to_bytes(4) + one for one in fields)


def _certificate(told: Mapping[str, Any], reader: NoteReader) -> Iterator[Checked]:
    proof = told["proof"]
    text = _text(told["note"] or "", reader) or ""
    head, _, signed = text.partition("\n")
    is_signed = head == f"{reader.origin} certificate"
    yield Checked(Attestation.NOTE_SIGNED, holds=is_signed)
    facts = json.loads(signed) if is_signed else {}
    says = {name: told[name] for name in CERTIFIED} | {"leaf": proof["leaf"], "index": proof["index"]}
    differs = list(_differences(facts, says)) if is_signed else []
    yield Checked(
        Attestation.SAYS_WHAT_IS_SIGNED, holds=is_signed and not differs, found="; ".join(differs[:5])
    )
    if told["entry_id"] is not None:
        leaf, entry = proof["leaf"], ("entry", told["entry_id"], told["entry_digest"])
        yield Checked(Attestation.ENTRY_IS_LEAF, holds=(leaf["kind"], leaf["id"], leaf["digest"]) == entry)
    yield from _proof(proof, reader)


def _differences(signed: Any, said: Any, at: str = "") -> Iterator[str]:
    """Where two documents differ: `trade.amount_fen: 120000 ≠ 990000`."""
    if isinstance(signed, dict) and isinstance(said, dict):
        for name in dict.fromkeys([*signed, *said]):
            yield from _differences(signed.get(name), said.get(name), f"{at}.{name}" if at else name)
    elif signed != said:
        yield f"{at}: {_short(signed)} ≠ {_short(said)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
