"""The OpenAPI document: the framework's, with what is common to all answers said once, and truly.

Which refusals an operation may answer with follows from what it takes: a body, a key, a tag, a path.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from datamarket.edge.problems import MEANINGS, Problem

JsonObject = dict[str, Any]
_SOME_ID = "018fdc6e-0c00-7000-8000-000000000001"
_HEADERS = {
    "Content-Disposition": "the name of the file",
    "Content-Language": "of `title`, `detail` and `errors`: zh or en",
    "ETag": "the version of what is shown, for If-Match and If-None-Match; weak where the answer is packed",
    "Idempotency-Replayed": "`true`: this is the answer that the key got the first time",
    "Link": 'RFC 8288: the page after, as rel="next"; none on the last',
    "RateLimit": "how many requests are left (r), and in how many seconds there are more (t)",
    "RateLimit-Policy": "how many requests (q) in how many seconds (w)",
    "Retry-After": "seconds; where `retryable` is true",
    "WWW-Authenticate": "RFC 6750: which token would do",
    "X-Engine": "the build of the evaluator that calculated it",
    "X-Request-Id": "yours, or one made for you: `trace_id` of a refusal",
    "X-Scheme-SHA256": "of the scheme file that it rests on",
    "X-Snapshot-SHA256": "of the facts that it rests on",
}
_ALWAYS = ("X-Request-Id", "RateLimit", "RateLimit-Policy")
_OF_TAG = {"subsidy": ("X-Engine", "X-Scheme-SHA256", "X-Snapshot-SHA256")}
_REFUSED: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_CERTAIN = {(401, "WWW-Authenticate"), (429, "Retry-After"), (503, "Retry-After")}
_BOUNDS = {
    "ge": "formatMinimum",
    "le": "formatMaximum",
    "gt": "formatExclusiveMinimum",
    "lt": "formatExclusiveMaximum",
}
"""Of days and instants: JSON Schema has words for bounds of numbers only, these are its validators' own."""
_TOLD_AS_400 = {409, 412, 422}
"""By a protocol that knows 400 and 404 alone for what is wrong with a message."""
_FRAMEWORK_ONLY = ("HTTPValidationError", "ValidationError")
_MADE: list[JsonObject] = []
"""The document, when it was first asked for: making it takes three seconds."""


def operation_id(route: APIRoute) -> str:
    """Slice and function, as they stand in the code: `contracts.sign_contract`."""
    return f"{route.tags[0]}.{route.name}" if route.tags else route.name


def install(app: FastAPI) -> None:
    """Let the application describe itself completely; every application of a process has the same routes, and one document."""
    by_framework = app.openapi

    def described() -> JsonObject:
        if not _MADE:
            _MADE.append(_complete(by_framework()))
        return _MADE[0]

    app.openapi = described  # type: ignore[method-assign] # as documented


def _complete(document: JsonObject) -> JsonObject:
    document = _named_by_title(document)
    components = document["components"]
    schemas = components["schemas"]
    for name in _FRAMEWORK_ONLY:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    components["headers"] = {
        name: {"description": told, "schema": {"type": "string"}} for name, told in _HEADERS.items()
    }
    components["responses"] = {f"Problem{status}": _refusal(status) for status in MEANINGS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _say_headers(operation, method, schemas)
            _say_refusals(operation, path, method, components["responses"])
            _open_to_visitors(operation, path, components["securitySchemes"])
            _give_example(operation, schemas)
    return document


def _named_by_title(document: JsonObject) -> JsonObject:
    """The pages of a list are called by their own names, not by those of the generic and its argument.

    What bounds a day or an instant is written as validators read it.
    """
    schemas = document["components"]["schemas"]
    titles = {name: shape["title"] for name, shape in schemas.items() if name.startswith("Page_")}
    document["components"]["schemas"] = {titles.get(name, name): shape for name, shape in schemas.items()}
    renamed = {
        f"#/components/schemas/{name}": f"#/components/schemas/{title}" for name, title in titles.items()
    }

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                _BOUNDS.get(key, key): renamed.get(value, value) if key == "$ref" else walk(value)
                for key, value in node.items()
            }
        return [walk(item) for item in node] if isinstance(node, list) else node

    complete: JsonObject = walk(document)
    return complete


def _refusal(status: int, kind: str = "Problem") -> JsonObject:
    own = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    foreign = {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind}"}}}
    content = own if kind == "Problem" else foreign | (own if status == 404 else {})  # no such path at all
    headers = _referred(*_ALWAYS, *_REFUSED.get(status, ()), "Content-Language")
    for name in ("WWW-Authenticate", "Retry-After"):
        if (status, name) in _CERTAIN:
            headers[name] = {"description": _HEADERS[name], "schema": {"type": "string"}, "required": True}
    return {"description": MEANINGS[status], "content": content, "headers": headers}


def _referred(*names: str) -> JsonObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _say_headers(operation: JsonObject, method: str, schemas: JsonObject) -> None:
    """Of what is answered when all is well: a page has its Link, a file its name, what shows a version its tag."""
    taken = {parameter["name"] for parameter in operation.get("parameters", ())}
    for status, response in list(operation["responses"].items()):
        if not status.startswith("2"):
            continue
        names = [*_ALWAYS, *_OF_TAG.get(operation["tags"][0], ())]
        content = response.get("content", {})
        shown = _resolved(content.get("application/json", {}).get("schema", {}), schemas).get(
            "properties", {}
        )
        if "Idempotency-Key" in taken:
            names.append("Idempotency-Replayed")
        if "next" in shown:
            names.append("Link")
        if content.keys() - {"application/json"}:
            names.append("Content-Disposition")
        if "version" in shown or "Content-Disposition" in names or "304" in operation["responses"]:
            names.append("ETag")
            if method == "get":
                operation["responses"]["304"] = {
                    "description": "you have it already: `If-None-Match` names its tag",
                    "headers": _referred(*_ALWAYS, "ETag"),
                }
        response["headers"] = response.get("headers", {}) | _referred(*names)


def _open_to_visitors(operation: JsonObject, path: str, schemes: JsonObject) -> None:
    """What no permission guards may be read without a token, which then shows more; signing in takes none."""
    if path.startswith("/api/") and "/auth/" not in path:
        operation.setdefault("security", [{}, *({scheme: []} for scheme in schemes)])


def _say_refusals(operation: JsonObject, path: str, method: str, shared: JsonObject) -> None:
    """Keep the answers of the route, replace the refusals; one of another protocol refuses in its own shape."""
    kind = operation.pop("x-refused-as", "Problem")
    responses = operation["responses"]
    declared = {int(status) for status in responses if status.startswith("4")} - {422}
    said = declared | _refusals(operation, path, method)
    if kind != "Problem":
        said -= _TOLD_AS_400
        responses.pop("422", None)
    for status in said:
        responses.pop(str(status), None)
        responses[str(status)] = {"$ref": f"#/components/responses/{kind}{status}"}
        shared.setdefault(f"{kind}{status}", _refusal(status, kind))


def _refusals(operation: JsonObject, path: str, method: str) -> set[int]:
    taken = {parameter["name"] for parameter in operation.get("parameters", ())}
    possible = {429, 503}
    if not path.startswith("/api/"):
        return possible
    possible |= {401, 414}
    if "security" in operation:
        possible.add(403)
    if taken or "requestBody" in operation:
        possible.add(422)
    if "requestBody" in operation:
        possible |= {400, 408, 413, 415}
    if "{" in path or method != "get":
        possible.add(404)
    if "Idempotency-Key" in taken:
        possible |= {400, 409}
    if "If-Match" in taken:
        possible.add(412)
    if method == "patch":
        possible.add(428)
    return possible


def _give_example(operation: JsonObject, schemas: JsonObject) -> None:
    """A whole body to try: the one that its shape shows, or what its fields show put together."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"], schemas)
        content["example"] = example_of(schema, schemas)


def example_of(schema: JsonObject, schemas: JsonObject) -> Any:
    """What a shape shows of itself: its example, or its fields' examples together."""
    schema = _resolved(schema, schemas) | {
        key: schema[key] for key in ("examples", "default") if key in schema
    }
    if "oneOf" in schema:
        return example_of(schema["oneOf"][0], schemas)
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("type") == "object":
        needed = schema.get("required", ())
        fields = schema.get("properties", {})
        return {
            name: example_of(field, schemas)
            for name, field in fields.items()
            if name in needed or "examples" in field
        }
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return _SOME_ID if schema.get("format") == "uuid" else None


def _resolved(schema: JsonObject, schemas: JsonObject) -> JsonObject:
    reference = schema.get("$ref")
    resolved: JsonObject = schemas[reference.rsplit("/", 1)[1]] if reference else schema
    return resolved
