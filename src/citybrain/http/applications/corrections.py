"""Corrections over HTTP: an officer sends an application back, the applicant submits it again."""

from citybrain.http.applications.application import APPLICANT, OFFICER, command_route
from commands.applications import corrections as commands

ROUTES = (
    command_route(
        "correction",
        commands.SendBackApplication,
        commands.send_back_application,
        "An officer sends it back for correction",
        OFFICER,
    ),
    command_route(
        "resubmission",
        commands.ResubmitApplication,
        commands.resubmit_application,
        "Submit it again, corrected",
        APPLICANT,
    ),
)
