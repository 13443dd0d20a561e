"""Applications of citizens for services: from a face to the money, and what it is drawn on."""

from citybrain.definitions.applications.catalogue import load_services
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.entitlement import Entitlement
from citybrain.http import application_views, applications, explanations, services
from citybrain.http.application_board import BOARD
from citybrain.systems.system import System
from commands.applications.processes.application import ApplicationProcess
from commands.applications.processes.notices import ApplicationNotices
from commands.processes.runner import in_order
from commands.processes.side_by_side import side_by_side
from projections.applications.application_days import ApplicationDays
from projections.applications.applications import Applications
from projections.applications.refusal_days import RefusalDays
from projections.applications.source_days import SourceDays
from projections.citizens.data_accesses import DataAccesses

APPLICATIONS = System(
    name="applications",
    knows=("citizens",),
    streams=(Application, Entitlement),
    definitions=(load_services,),
    processes=(in_order(ApplicationNotices()), side_by_side(ApplicationProcess())),
    projections=(Applications(), ApplicationDays(), SourceDays(), RefusalDays(), DataAccesses()),
    routes=(
        *application_views.ROUTES,
        *applications.ROUTES,
        *explanations.ROUTES,
        *services.ROUTES,
    ),
    board=BOARD,
)
