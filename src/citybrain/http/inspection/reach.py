"""To whose data the operations of inspection reach.

A case is its departments' and of who reported it, a camera is its own and its gateway's; the centre
(operators, supervisors, auditors) has all of them. Of a batch each detection counts for itself,
and so does each of many cases.
"""

from citybrain.domain.actor import Role
from citybrain.domain.inspection.reading_rights import EVERYTHING
from citybrain.http.reach import NOBODYS, PUBLIC, Rows, of

CASE = "the case"
OWN, CENTRE, OPERATORS = of(CASE), of(CASE, *EVERYTHING), of(CASE, Role.OPERATOR)
SETTLED = of(CASE, Role.SUPERVISOR)
BASE = "v1_cases_case_id"

REACH: Rows = {
    "get_v1_cases": of("the department", *EVERYTHING),
    "get_v1_cases_near": of("the department", *EVERYTHING),
    "get_v1_cases_map": of("the department", *EVERYTHING),
    "get_v1_cases_nearby": PUBLIC,
    f"get_{BASE}_photos_sha256": CENTRE,
    "get_v1_statistics_open": NOBODYS,
    "post_v1_cases": NOBODYS,
    f"get_{BASE}": CENTRE,
    **{
        f"post_{BASE}_{step}": OPERATORS
        for step in ("file", "dispatch", "return", "verify", "close", "reopen")
    },
    **{f"post_{BASE}_{step}": OPERATORS for step in ("merge", "unmerge", "separate")},
    **{
        f"post_{BASE}_{step}": OWN
        for step in ("accept", "handle", "decline", "decide", "tasks", "milestones")
    },
    **{f"post_{BASE}_{step}": OPERATORS for step in ("requests", "resume")},
    **{f"post_{BASE}_{step}": SETTLED for step in ("approve", "deny")},
    f"post_{BASE}_moderate": of(CASE, Role.OPERATOR, Role.SUPERVISOR),
    **{
        f"post_{BASE}_public_photos{step}": of(CASE, Role.OPERATOR, Role.SUPERVISOR)
        for step in ("", "_withdrawal")
    },
    f"get_{BASE}_public_photos_sha256": PUBLIC,
    f"post_{BASE}_erase": SETTLED,
    "get_v1_answers": NOBODYS,
    **{f"post_{BASE}_{step}": OPERATORS for step in ("reclassify", "relocate", "check_orders")},
    f"post_{BASE}_prioritise": of(CASE, Role.OPERATOR, Role.SUPERVISOR),
    f"post_{BASE}_assign": OWN,
    f"post_{BASE}_checks": of(CASE, Role.OFFICIAL, Role.OPERATOR),
    f"get_{BASE}_duplicates": CENTRE,
    "get_v1_cases_mine": NOBODYS,
    "post_v1_cases_bulk_step": NOBODYS,
    "post_v1_cases_search": NOBODYS,
    f"post_{BASE}_asset": OPERATORS,
    "put_v1_assets_asset_code": NOBODYS,
    "post_v1_assets_asset_code_removal": NOBODYS,
    "get_v1_assets": NOBODYS,
    "get_v1_cases_export_csv": of("the department", *EVERYTHING),
    **{f"post_{BASE}_{step}": OWN for step in ("comments", "not_solved", "rating")},
    f"post_{BASE}_subscription": of(CASE, Role.CITIZEN),
    f"get_{BASE}_reporter": CENTRE,
    f"get_{BASE}_timeline": CENTRE,
    f"get_{BASE}_live": CENTRE,
    f"get_{BASE}_comments": CENTRE,
    "get_v1_deadlines": of("the department", *EVERYTHING),
    "get_v1_deadlines_summary": NOBODYS,
    "get_v1_statistics_days": NOBODYS,
    "get_v1_statistics_heat": NOBODYS,
    "get_v1_statistics_evaluation": NOBODYS,
    "get_v1_statistics_departments_department": NOBODYS,
    "get_v1_classes": PUBLIC,
    "get_v1_departments": PUBLIC,
    "get_v1_departments_department_officials": of("the department", *EVERYTHING),
    "post_v1_detections": of("the camera"),
    "post_v1_detections_batch": NOBODYS,
    "get_v1_detections": NOBODYS,
    "get_v1_detections_detection_id": NOBODYS,
    "post_v1_detections_detection_id_confirm": NOBODYS,
    "post_v1_detections_detection_id_dismiss": NOBODYS,
    "put_v1_cameras_camera_id": of("the camera", Role.OPERATOR),
    "get_v1_cameras": NOBODYS,
}
