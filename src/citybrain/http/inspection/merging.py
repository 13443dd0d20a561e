"""Cases that are one problem, and detections that are another, over HTTP."""

from citybrain.domain.actor import Role
from citybrain.http.inspection.case import step_route
from commands.inspection import merging as commands

ROUTES = (
    step_route(
        "merge",
        commands.MergeCase,
        commands.merge_case,
        "It is the same problem as another case; the answer is the other's",
        Role.OPERATOR,
        if_match=False,
        of_its_own=False,
    ),
    step_route(
        "unmerge",
        commands.UnmergeCase,
        commands.unmerge_case,
        "The merge was wrong",
        Role.OPERATOR,
        if_match=False,
    ),
    step_route(
        "separate",
        commands.SeparateDetection,
        commands.separate_detection,
        "A detection is another problem and gets a case of its own",
        Role.OPERATOR,
        if_match=False,
    ),
)
