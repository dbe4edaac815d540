"""Every state machine is one table: each pair moves or is refused by name, each state has two labels."""

import itertools
from collections.abc import Mapping
from enum import StrEnum

import pytest
from datamarket.foundation.errors import MarketError

from datamarket.catalogue import rules as catalogue
from datamarket.catalogue import terms as catalogue_terms
from datamarket.contracts import rules as contracts
from datamarket.contracts import terms as contract_terms
from datamarket.foundation.states import TransitionNotAllowed, allowed_events, next_state
from datamarket.ledger import rules as ledger
from datamarket.ledger import terms as ledger_terms
from datamarket.participants import rules as participants
from datamarket.participants import terms as participant_terms
from datamarket.subsidy import lifecycle
from datamarket.trading import terms as trading_terms
from datamarket.zones import rules as zones
from datamarket.zones import terms as zone_terms

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]
Labels = Mapping[StrEnum, tuple[str, str]]
