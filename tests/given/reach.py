"""What a token of each role reaches to, where a test does not say: a place, or devices."""

from typing import Any

DEPARTMENT, COUNTER, CAMERAS = "sanitation", "counter-1", ["c-*"]


def reach(role: str, department: str | None = None) -> dict[str, Any]:
    """The claims beside the role; an empty department is none."""
    if role == "official" and department is None:
        department = DEPARTMENT
    claims = {
        "department": department,
        "counter": COUNTER if role == "clerk" else None,
        "acts_for": CAMERAS if role == "gateway" else None,
    }
    return {name: value for name, value in claims.items() if value}
