"""Whatever is sent to any operation of the document, the answer is one that the document names."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks

from datamarket.app import create_app
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from tests.world.people import NOON, actor
