"""A sealer with a key and a folder of its own."""

from pathlib import Path

from datamarket.evidence.log.sealing import Sealer
from datamarket.evidence.log.verification import Log
from datamarket.foundation.settings import Settings
from datamarket.server.sealing import sealer_of


def settings_in(folder: Path) -> Settings:
    return Settings(var=folder, log_requests=False, rate_limit="100000/second", sign_in_limit="10000/minute")


def sealer_in(folder: Path) -> Sealer:
    return sealer_of(settings_in(folder))


def log_of(sealer: Sealer) -> Log:
    return Log(sealer.ledger_id, sealer.sources, sealer.notary.reader)
