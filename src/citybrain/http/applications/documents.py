"""Documents of an application over HTTP: a photo or a PDF file goes in, a download comes out.

Nothing here is ever shown in a page of ours: a document is an attachment, in a sandbox.
"""

from datetime import datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.documents import document_of
from citybrain.domain.applications.reading_rights import READERS
from citybrain.http.applications.application import (
    APPLICANT,
    OFFICER,
    ApplicationAnswer,
    application_id_of,
)
from citybrain.http.applications.messages import LookQuery, readable_noted
from citybrain.http.bodies import body_place, read_body
from citybrain.http.commanding import context, done
from citybrain.http.openapi import OCTETS
from citybrain.http.paging import Query
from citybrain.http.problems import BodyTooLarge, UnsupportedMediaType
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.applications import documents as commands

SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class DocumentQuery(Query):
    """What is added."""

    kind: Code = Field(description="what it is, as the officer asked for it: loan-contract")


class DocumentRow(BaseModel):
    """A document of an application."""

    document_id: str
    kind: str
    content_type: str
    bytes: int
    sha256: str = Field(description="of the bytes that are kept")
    by: str = Field(description="applicant or officer")
    added_at: datetime


class Documents(BaseModel):
    """The documents of an application, in order."""

    documents: list[DocumentRow]


async def add(call: Call) -> web.Response:
    """Take a document in; who may not add one is told before a byte of it."""
    request, services = call.request, call.runtime.services
    query: DocumentQuery = call.query
    application_id, sent = application_id_of(call), context(call)
    if request.content_type not in (*SUFFIXES, OCTETS):
        raise UnsupportedMediaType("the body must be a photo (image/…) or application/pdf")
    await commands.check_may_add(application_id, query.kind, sent, services)
    limit = services.settings.application_document_bytes
    with body_place(request, call.actor, limit):
        too_large = BodyTooLarge(f"a document has at most {limit} bytes", limit_bytes=limit)
        content = await read_body(request, limit, too_large)
        assert services.photos is not None  # a serving process has them
        with services.photos.admitted(sent.actor.subject):
            added = await commands.add(application_id, query.kind, content, sent, services)
    return done(added)


async def show_all(call: Call) -> web.Response:
    """What there is, without what is in it."""
    application = await readable_noted(call)
    found = [DocumentRow(**document) for document in application.documents]
    return json_response(Documents(documents=found))


async def download(call: Call) -> web.Response:
    """A document."""
    application = await readable_noted(call)
    document = document_of(application, call.request.match_info["document_id"])
    content = await commands.fetch(application, document, call.runtime.services)
    name = f"{document['document_id']}.{SUFFIXES[document['content_type']]}"
    return web.Response(
        body=content,
        content_type=document["content_type"],
        headers=HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/applications/{application_id}/documents",
        tag="applications",
        summary="Add a document: the body is a photo or a PDF file",
        handler=add,
        roles=(*APPLICANT, *OFFICER),
        query=DocumentQuery,
        media="image/*",
        idempotent=True,
        answers={
            200: Answer("added; ETag and X-Position say where", ApplicationAnswer),
            413: Answer("body-too-large"),
            415: Answer("the body is neither image/… nor application/pdf"),
            422: Answer("document-unsupported, document-damaged, document-active, image-damaged …"),
        },
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/documents",
        tag="applications",
        summary="The documents of an application",
        handler=show_all,
        roles=READERS,
        answers={200: Answer("the documents, in order", Documents)},
        opens=Opens(what="documents", purpose="application"),
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/documents/{document_id}",
        tag="applications",
        summary="One document, as a download",
        handler=download,
        roles=READERS,
        query=LookQuery,
        answers={200: Answer("the file: image/jpeg, image/png, image/webp or application/pdf")},
        opens=Opens(what="document"),
    ),
)
