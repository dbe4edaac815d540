"""Hot routes: what is asked for most takes its arguments straight from the request, as its signature says.

`@hot` stands under the route's decorator. The framework reads the same signature for the document, and for every
request that is in any part not as asked: what is wrong with it is told in one way.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

HotT = TypeVar("HotT", bound=Callable[..., Awaitable[Response]])
Taker = Callable[[Any], Any]


def hot(endpoint: HotT) -> HotT:
    """Marks an endpoint that answers with a response of its own."""
    endpoint.hot = True  # type: ignore[attr-defined]
    return endpoint


class NotTakenStraight(TypeError):
    """A hot route asks for something that is not known how to take."""


class HotCall:
    """One hot route. Raises NotTakenStraight at the start, for a signature that only the framework can solve.

    A dependency is taken by its own `taken`, a function of a request that its guard has let in.
    """

    def __init__(self, route: APIRoute) -> None:
        asked = route.dependant
        if (
            asked.query_params
            or asked.cookie_params
            or asked.response_param_name
            or len(asked.body_params) > 1
        ):
            raise NotTakenStraight(route.path)
        self._endpoint = route.endpoint
        self._takers: list[tuple[str, Taker]] = [
            *((field.name, _checked(field, _path_value(field.alias))) for field in asked.path_params),
            *((field.name, _checked(field, _header(field.alias))) for field in asked.header_params),
            *((field.name, _checked(field, _json)) for field in asked.body_params),
            *((str(inner.name), _taken(inner, route)) for inner in asked.dependencies),
        ]
        if asked.request_param_name:
            self._takers.append((asked.request_param_name, _itself))

    async def __call__(self, request: Request) -> Response | None:
        """The endpoint's answer; None when the framework is to say what is wrong with the request."""
        try:
            values = {name: take(request) for name, take in self._takers}
        except ValidationError:
            return None
        response: Response = await self._endpoint(**values)
        return response


def is_hot(route: APIRoute) -> bool:
    return getattr(route.endpoint, "hot", False)


def _checked(field: Any, raw: Taker) -> Taker:
    validate = TypeAdapter(Annotated[field.field_info.annotation, field.field_info]).validator.validate_python
    return lambda request: validate(raw(request))


def _path_value(name: str) -> Taker:
    return lambda request: request.scope["path_params"][name]


def _header(name: str) -> Taker:
    return lambda request: request.headers.get(name)


def _json(request: Any) -> Any:
    """As the request's reader has read it; nothing, where there is no body."""
    return getattr(request, "_json", None)


def _itself(request: Any) -> Any:
    return request


def _taken(dependency: Dependant, route: APIRoute) -> Taker:
    taken: Taker | None = getattr(dependency.call, "taken", None)
    if taken is None:
        raise NotTakenStraight(route.path)
    return taken
