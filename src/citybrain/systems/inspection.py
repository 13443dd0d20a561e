"""Inspection of the street: what cameras, citizens and officials report, until it is solved."""

from citybrain.definitions.inspection.case_files import load_inspection
from citybrain.definitions.inspection.imports_311 import load_imports
from citybrain.domain.inspection.asset import Asset
from citybrain.domain.inspection.camera import Camera
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.detection import Detection
from citybrain.http.inspection import (
    approvals,
    assets,
    bulk,
    case,
    case_live,
    classes,
    comments,
    daily,
    deadlines,
    desk,
    detection,
    evaluation,
    finding,
    joint_decisions,
    merging,
    nearby,
    officials,
    on_map,
    photo_rights,
    photos,
    publication,
    reporters,
    timeline,
)
from citybrain.http.inspection.board import BOARD
from citybrain.http.inspection.open311.mount import mount as mount_open311
from citybrain.http.inspection.reach import REACH
from citybrain.intake.inspection import detections as intake
from citybrain.systems.system import System
from commands.inspection.finding import forget_old_words
from commands.inspection.processes.deadlines import CaseDeadlines
from commands.inspection.processes.detections import DetectionMerging
from commands.inspection.processes.mails import CaseMails
from commands.inspection.processes.merging import CaseMerging
from commands.inspection.processes.notices import CaseNotices
from commands.inspection.processes.routing import CaseRouting
from commands.inspection.processes.words import CaseWords
from commands.processes.batches import batched
from commands.processes.runner import in_order
from commands.processes.telling import telling
from projections.inspection.assets import Assets
from projections.inspection.board import INSPECTION_BOARD
from projections.inspection.cameras import Cameras
from projections.inspection.case_days import CaseDays
from projections.inspection.case_desk import CaseDesk
from projections.inspection.case_evidence import CaseEvidence
from projections.inspection.case_officials import CaseOfficials
from projections.inspection.case_timeline import CaseTimeline
from projections.inspection.detections import Detections
from projections.inspection.evaluation_days import EvaluationDays
from projections.inspection.heat_grid import HeatGrid
from projections.inspection.service_requests import ServiceRequests

INSPECTION = System(
    name="inspection",
    knows=("citizens",),
    streams=(InspectionCase, Detection, Camera, Asset),
    definitions=(load_inspection, load_imports),
    processes=(
        in_order(CaseRouting()),
        in_order(CaseMerging()),
        batched(DetectionMerging()),
        batched(CaseDeadlines()),
        telling(CaseNotices()),
        telling(CaseMails()),
        in_order(CaseWords()),
    ),
    projections=(
        CaseDesk(),
        CaseTimeline(),
        CaseOfficials(),
        CaseEvidence(),
        CaseDays(),
        EvaluationDays(),
        HeatGrid(),
        ServiceRequests(),
        Detections(),
        Cameras(),
        Assets(),
        INSPECTION_BOARD,
    ),
    routes=(
        *desk.ROUTES,
        *on_map.ROUTES,
        *nearby.ROUTES,
        *photos.ROUTES,
        *reporters.ROUTES,
        *bulk.ROUTES,
        *finding.ROUTES,
        *assets.ROUTES,
        *case.ROUTES,
        *timeline.ROUTES,
        *case_live.ROUTES,
        *joint_decisions.ROUTES,
        *approvals.ROUTES,
        *merging.ROUTES,
        *publication.ROUTES,
        *daily.ROUTES,
        *comments.ROUTES,
        *deadlines.ROUTES,
        *evaluation.ROUTES,
        *classes.ROUTES,
        *officials.ROUTES,
        *detection.ROUTES,
    ),
    intakes=(intake.DETECTIONS,),
    reach=REACH,
    mounts=(mount_open311, photo_rights.mount),
    board=BOARD,
    upkeep=(forget_old_words,),
)
