"""What was, over HTTP: all operations that read what happened to junctions, and their reach."""

from citybrain.http.reach import NOBODYS, Rows
from citybrain.http.routing import Route
from citybrain.http.signals import (
    comparing,
    explanation,
    hires,
    history,
    lamp_figures,
    time_space,
    traffic,
)

ROUTES: tuple[Route, ...] = (
    *history.ROUTES,
    *lamp_figures.ROUTES,
    *hires.ROUTES,
    *explanation.ROUTES,
    *traffic.ROUTES,
    *comparing.ROUTES,
    *time_space.ROUTES,
)

REACH: Rows = {route.operation_id: NOBODYS for route in ROUTES}
"""For the office and for auditors: a junction is nobody's."""
