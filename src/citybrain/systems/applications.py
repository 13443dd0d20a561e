"""Applications of citizens for services: from a face to the money, and what it is drawn on."""

from citybrain.definitions.applications.catalogue import load_purposes, load_services
from citybrain.definitions.applications.officer_reasons import load_officer_reasons
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.draft import Draft
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.http.applications import (
    application,
    certificates,
    corrections,
    documents,
    drafts,
    explanation,
    messages,
    reading,
    reminders,
    reviewing,
    services,
    statements,
    statistics,
    tasks,
)
from citybrain.http.applications.board import BOARD
from citybrain.http.applications.reach import REACH
from citybrain.systems.system import System
from commands.applications.erased import ending_those_of_the_erased
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.deadlines import ApplicationDeadlines
from commands.applications.processes.deceased import DeceasedApplicants
from commands.applications.processes.notices import ApplicationNotices
from commands.processes.batches import batched
from commands.processes.runner import in_order
from commands.processes.side_by_side import side_by_side
from commands.processes.telling import telling
from projections.applications import applications
from projections.applications.application_days import ApplicationDays
from projections.applications.applications import Applications
from projections.applications.board import APPLICATIONS_BOARD
from projections.applications.drafts import Drafts
from projections.applications.refusal_days import RefusalDays
from projections.applications.source_days import SourceDays

APPLICATIONS = System(
    name="applications",
    knows=("citizens",),
    streams=(Application, Entitlement, Draft),
    definitions=(load_services, load_purposes, load_officer_reasons),
    words=services.words,
    processes=(
        telling(ApplicationNotices()),
        in_order(DeceasedApplicants(applications.of_citizen)),
        batched(ApplicationDeadlines()),
        side_by_side(ApplicationProcess()),
    ),
    projections=(
        Applications(),
        Drafts(),
        ApplicationDays(),
        SourceDays(),
        RefusalDays(),
        APPLICATIONS_BOARD,
    ),
    routes=(
        *reading.ROUTES,
        *statistics.ROUTES,
        *application.ROUTES,
        *certificates.ROUTES,
        *corrections.ROUTES,
        *documents.ROUTES,
        *drafts.ROUTES,
        *messages.ROUTES,
        *tasks.ROUTES,
        *reviewing.ROUTES,
        *statements.ROUTES,
        *explanation.ROUTES,
        *services.ROUTES,
        *reminders.ROUTES,
    ),
    reach=REACH,
    board=BOARD,
    upkeep=(ending_those_of_the_erased(applications.of_erased),),
)
