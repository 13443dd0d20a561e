"""What Open311 answers: one value as JSON, or as XML by the specification's element names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import orjson
from aiohttp import web

FORMATS = {"json": "application/json", "xml": "text/xml"}
ITEMS = {
    "service_requests": "request",
    "service_request_updates": "request_update",
    "services": "service",
}
NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rendered(
    kind: str, root: str, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer in a format of `FORMATS`; `root` is the name of the XML root element."""
    if kind == "json":
        body = orjson.dumps(value)
    else:
        element = _element(root, value)
        body = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return web.Response(
        status=status, body=body, content_type=FORMATS[kind], charset="utf-8", headers=headers
    )


def error(
    kind: str, status: int, description: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error as the specification has it."""
    value = [{"code": status, "description": description}]
    return rendered(kind, "errors", value, status, headers)


def _element(name: str, value: Any) -> ElementTree.Element:
    """Lists as elements of their singular, objects as children, nothing as an empty element."""
    element = ElementTree.Element(name)
    if isinstance(value, dict):
        element.extend(_element(key, child) for key, child in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        item = ITEMS.get(name, name.removesuffix("s"))
        element.extend(_element(item, each) for each in value)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        element.text = NOT_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return element
