"""What a route can be refused with, read from its code: every refusal that it names, and all that it calls."""

from collections.abc import Iterator
from inspect import unwrap
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from fastapi.dependencies.models import Dependant

from datamarket.foundation.errors import MarketError


def refusals_of(dependant: Dependant) -> set[type[MarketError]]:
    """Of an endpoint and of what it depends on; a refusal that is named only to be caught counts too."""
    found: set[type[MarketError]] = set()
    seen: set[int] = set()
    ahead = list(_calls(dependant))
    while ahead:
        thing = ahead.pop()
        if isinstance(thing, type) and issubclass(thing, MarketError):
            found.add(thing)
        elif id(thing) not in seen and _ours(thing):
            seen.add(id(thing))
            ahead.extend(_named_in(unwrap(getattr(thing, "__func__", thing))))
    return found


def _calls(dependant: Dependant) -> Iterator[Any]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _ours(thing: Any) -> bool:
    return isinstance(thing, FunctionType | MethodType) and thing.__module__.startswith("datamarket.")


def _named_in(function: FunctionType) -> Iterator[Any]:
    """What the names in a function stand for: globals, what is taken of modules, methods of objects and classes."""
    names = set(_names(function.__code__))
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    for known in map(function.__globals__.get, names & function.__globals__.keys()):
        yield known
        owner = known if isinstance(known, ModuleType | type) else type(known)
        if owner.__name__.startswith("datamarket.") or getattr(owner, "__module__", "").startswith(
            "datamarket."
        ):
            yield from (getattr(owner, name) for name in names if hasattr(owner, name))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
