"""OpenAPI 3.1 from the route table and the models, and a page that shows it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from citybrain import __version__
from citybrain.errors import CitybrainError
from citybrain.http.problems import MEDIA_TYPE, status_of_kind
from citybrain.http.routing import Route

REF = "#/components/schemas/{model}"
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "required": ["type", "title", "status", "code", "detail", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string", "description": "for people, by Accept-Language"},
        "next_step": {"type": "string", "description": "what to do now; as the title"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable machine code"},
        "detail": {"type": "string"},
        "correlation_id": {"type": "string", "format": "uuid"},
    },
}
PROBLEMS = {
    "400": "the request cannot be read",
    "401": "no valid access token",
    "403": "the role does not allow it",
    "404": "there is no such thing",
    "409": "the state does not allow it",
    "412": "the version has changed since (If-Match)",
    "413": "the body is too large",
    "415": "the body is not JSON",
    "422": "the content is not valid",
    "428": "If-Match is missing",
    "429": "too many requests; see Retry-After",
    "503": "not now; see Retry-After",
}
HEADERS = {
    name: {"description": said, "schema": {"type": "string"}}
    for name, said in {
        "ETag": "the version of what this is about, for If-Match and If-None-Match",
        "Idempotency-Replayed": "true where this is the first answer to the key, once more",
        "Location": "where what was made is found",
        "Retry-After": "seconds after which to come again",
        "WWW-Authenticate": "how to say who asks",
        "X-Correlation-Id": "finds the request in the log",
        "X-Position": "where in the log it was written, for min_position",
    }.items()
}
OCTETS = "application/octet-stream"  # for generated clients, which have no type of a picture
EVERYWHERE = (
    "citybrain.errors",
    "citybrain.eventstore.types",
    "citybrain.http.problems",
    "citybrain.http.bodies",
    "citybrain.http.following",
    "citybrain.http.refusals",
    "citybrain.http.routing",
    "commands.handling",
)
PATH_PARAMETER = re.compile(r"{(\w+)}")


Refs = Mapping[Any, dict[str, Any]]
"""How each model is referred to: two systems may each have a model of one name."""


def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """The document; every schema is generated from the model that checks the request."""
    inputs = {route.body for route in routes if route.body is not None}
    models = {model for route in routes for model in _models(route)}
    references, definitions = models_json_schema(
        sorted(
            ((model, "validation" if model in inputs else "serialization") for model in models),
            key=lambda pair: (pair[0].__name__, pair[0].__module__),
        ),
        ref_template=REF,
    )
    refs = {model: reference for (model, _), reference in references.items()}
    _leave_out_defaults(definitions.get("$defs", {}), references)
    for name, schema in definitions.get("$defs", {}).items():
        schema["title"] = name  # generators call by it what they make
        _close_tuples(schema)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "citybrain",
            "version": __version__,
            "description": "The backend of a City Brain. Commands answer with the stream's "
            "version (ETag) and the log position (X-Position); reads take `min_position`.",
        },
        "servers": [{"url": "/", "description": "where this document comes from"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": PROBLEM},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (RFC 9068)"}
            },
        },
    }


def _close_tuples(schema: Any) -> None:
    """`items` beside the members of a tuple, whose number is said: linters ask for it."""
    if isinstance(schema, dict):
        if "prefixItems" in schema:
            schema.setdefault("items", {})
        for member in schema.values():
            _close_tuples(member)
    elif isinstance(schema, list):
        for each in schema:
            _close_tuples(each)


def _leave_out_defaults(schemas: dict[str, Any], references: Mapping[Any, Any]) -> None:
    """What is only sent here has none: generators make required what has a default."""
    reached: dict[str, set[str]] = {}
    for (_, mode), reference in references.items():
        _reach(reference, schemas, reached.setdefault(mode, set()))
    for name in reached.get("validation", set()) - reached.get("serialization", set()):
        for member in schemas[name].get("properties", {}).values():
            member.pop("default", None)


def _reach(part: Any, schemas: Mapping[str, Any], found: set[str]) -> None:
    """The names of all schemas that a part of the document leads to."""
    if isinstance(part, dict):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if name in schemas and name not in found:
            found.add(name)
            _reach(schemas[name], schemas, found)
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            _reach(each, schemas, found)


def _models(route: Route) -> list[type[BaseModel]]:
    answers = [answer.model for answer in route.answers.values()]
    return [model for model in (route.body, *answers) if model is not None]


def _operation(route: Route, refs: Refs) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": route.operation_id,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": _responses(route, refs),
    }
    operation["security"] = [] if route.roles is None else [{"token": []}]
    if route.roles is not None:
        operation["description"] = f"Roles: {', '.join(route.roles)}."
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[route.body]}},
        }
    if route.media is not None:
        binary = {"schema": {"type": "string", "format": "binary"}}
        media = (route.media, OCTETS) if route.media.startswith("image/") else (route.media,)
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(media, binary)}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PATH_PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        schema = route.query.model_json_schema()
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": member.pop("description", ""),
                "schema": _inlined(member, schema),
            }
            for name, member in schema.get("properties", {}).items()
        ]
    if route.if_match or route.if_match_where_sent:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": route.if_match,
                "description": "the ETag that was seen",
                "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,17}"$'},
            }
        )
    if route.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "the same key and body get the same answer, once",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    return parameters


def _inlined(part: Any, schema: dict[str, Any]) -> Any:
    """A member without references: a parameter has no definitions beside it."""
    if isinstance(part, list):
        return [_inlined(each, schema) for each in part]
    if not isinstance(part, dict):
        return part
    name = part.get("$ref", "").rpartition("/")[2]
    rest = {key: _inlined(value, schema) for key, value in part.items() if key != "$ref"}
    return rest | _inlined(schema["$defs"][name], schema) if name else rest


def _responses(route: Route, refs: Refs) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in route.answers.items():
        responses[str(status)] = {"description": answer.description}
        if answer.model is not None:
            schema = refs[answer.model]
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
        elif status == 200 and route.streaming and route.method == "GET":
            responses["200"]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
    codes = _codes(_room(route))
    for code in _problem_statuses(route):
        responses.setdefault(code, {"description": PROBLEMS[code], "content": content})
        responses[code]["x-problem-codes"] = codes.get(code, [])
    for code, response in responses.items():
        response["headers"] = {name: HEADERS[name] for name in _headers(route, code)}
    return responses


def _headers(route: Route, status: str) -> Iterator[str]:
    """Those that say something; what a handler may leave out is not required."""
    yield "X-Correlation-Id"
    if status == "401":
        yield "WWW-Authenticate"
    if status in ("429", "503") or (status == "409" and route.idempotent):
        yield "Retry-After"
    if status in ("200", "201") and (route.body is not None or "{" in route.path):
        yield from ("ETag", "X-Position")
    if status == "201":
        yield "Location"
    if status in ("200", "201") and route.idempotent:
        yield "Idempotency-Replayed"


def _room(route: Route) -> str:
    """The system that an operation is of, by where its handler stands."""
    parts = route.handler.__module__.split(".")
    return parts[1] if parts[0] == "commands" else parts[2]


@cache
def _codes(room: str) -> dict[str, list[str]]:
    """By status, the codes of problems of a system and of what all of them stand on."""
    found: dict[str, set[str]] = {}
    kinds = [CitybrainError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        where = kind.__module__.split(".")
        ours = where[2:3] if where[0] == "citybrain" else where[1:2]
        status = status_of_kind(kind)
        if status is not None and (ours == [room] or kind.__module__ in EVERYWHERE):
            found.setdefault(str(int(status)), set()).add(kind.code)
    return {status: sorted(codes) for status, codes in found.items()}


def _problem_statuses(route: Route) -> list[str]:
    statuses = {"400", "429", "503"}
    if route.roles is not None:
        statuses |= {"401", "403"}
    if "{" in route.path or route.may_be_missing:
        statuses.add("404")
    if route.body is not None:
        statuses |= {"404", "409", "413", "415", "422"}  # a body may name what is not there
    if route.if_match:
        statuses |= {"412", "428"}
    if route.if_match_where_sent:
        statuses.add("412")
    return sorted(statuses)


def page(document: dict[str, Any]) -> str:
    """The document as a page for people: no script, no download."""
    found: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            found.setdefault(tag, []).append(_section(method.upper(), path, operation))
    tags = sorted(found)
    contents = " ".join(f"<a href='#{tag}'>{tag}</a>" for tag in tags)
    sections = (f"<h2 id='{tag}'>{tag}</h2>{''.join(found[tag])}" for tag in tags)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>citybrain: the API</title>"
        "<meta name=viewport content='width=device-width'>"
        "<link rel=stylesheet href=/docs.css><main><h1>citybrain: the API</h1>"
        f"<p>{escape(document['info']['description'])} The machine-readable document: "
        f"<a href=/openapi.json>/openapi.json</a>.</p><nav>{contents}</nav>"
        + "".join(sections)
        + "</main></html>"
    )


def _section(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{p['in']}"
        f"<td>{'required' if p['required'] else ''}<td>{escape(p.get('description', ''))}"
        for p in operation["parameters"]
    )
    answers = "".join(
        f"<tr><td><code>{status}</code><td colspan=3>{escape(answer['description'])}"
        for status, answer in sorted(operation["responses"].items())
    )
    body = operation.get("requestBody")
    media, content = next(iter(body["content"].items())) if body else ("", {})
    model = content.get("schema", {}).get("$ref", media).rpartition("/schemas/")[2]
    taken = f"<p>Body: <code>{escape(model)}</code></p>" if model else ""
    return (
        f"<details><summary><b class={method.lower()}>{method}</b> <code>{escape(path)}</code> "
        f"<span>{escape(operation['summary'])}</span></summary>"
        f"<p>{escape(operation.get('description', ''))}</p>{taken}"
        f"<table>{rows}{answers}</table></details>"
    )


PAGE_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2rem 0 .5rem; } nav a { display: inline-block; margin-right: .8rem; }
details { border-bottom: 1px solid #8884; padding: .4rem 0; }
summary { cursor: pointer; } summary span { opacity: .75; margin-left: .5rem; }
summary b { display: inline-block; min-width: 3.5rem; color: #2a6fb0; }
summary b.post { color: #b06a1f; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td { padding: .2rem .6rem .2rem 0; vertical-align: top; }
"""
