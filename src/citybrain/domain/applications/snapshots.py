"""Snapshots of before: what an application's state had not kept when they were taken."""

from typing import Any

from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.waiting import Waits, waits_for
from citybrain.domain.digests import HEX_DIGITS

DIGEST_OF_BEFORE = "0" * HEX_DIGITS


def upcast_v1_v2(state: dict[str, Any]) -> None:
    """Snapshots from before each wait had its time: what moves is woken soon."""
    waits = waits_for(state["status"], pays=state["pays"], compensated=state["compensated"])
    state["due_at"] = {
        Waits.PERSON: state["identity_due_at"],
        Waits.BANK: state["payout_due_at"],
        Waits.MOVING: state["_modified_on"],
    }.get(waits)
    state["resumed_in"] = None


def upcast_v2_v3(state: dict[str, Any]) -> None:
    """Snapshots from before corrections, documents, messages and tasks."""
    state |= {"correction": None, "task": None, "guardian": None, "messages": 0}
    state |= {"resubmitters": [], "documents": []}


def upcast_v3_v4(state: dict[str, Any]) -> None:
    """Snapshots from before decisions had digests: theirs is not known, and stays so."""
    approved = state["outcome"] == Status.APPROVED
    state["decision_version"] = state["instructed_sha256"] = None
    state["decision_sha256"] = DIGEST_OF_BEFORE if approved else None


def upcast_v4_v5(state: dict[str, Any]) -> None:
    """Snapshots from before it was kept who had a part in it, and what the rules found."""
    state |= {"submitters": [state["held_by"]], "takers_over": [], "appellants": []}
    state |= {"identified_by": None, "computed_fen": None, "proposal": None}
    state |= {"ruled_out": state["outcome"] == Status.REFUSED, "deciders": []}
    state |= {"appealed_from": state.pop("reviewers"), "attempts": [], "attempts_on": ""}


def upcast_v5_v6(state: dict[str, Any]) -> None:
    """Snapshots from before certificates."""
    state["certificates"] = []


def upcast_v6_v7(state: dict[str, Any]) -> None:
    """Snapshots from before an application drew on several things."""
    state["claims"] = [state["claim_id"]] if state["payment_id"] else []
    state["decided_on"] = state["requested_at"]
    state["by_officer"] = bool(state["deciders"] or state["appealed_from"])


def upcast_v7_v8(state: dict[str, Any]) -> None:
    """Snapshots from before each decision could be appealed, in a time that counts from it."""
    open_still = state["status"] == Status.REFUSED and not state["appealed"]
    state["appealable_since"] = state["decided_at"] if open_still else None


def upcast_v8_v9(state: dict[str, Any]) -> None:
    """Snapshots from before a paid amount could be appealed: who was paid, was paid once."""
    state["paid_fen"] = state["amount_fen"] if state["status"] == Status.PAID else 0


ANSWERS_OPEN = {
    Status.REFERRED,
    Status.AWAITING_SECOND,
    Status.SENT_BACK,
    Status.IDENTIFIED,
    Status.COLLECTING,
    Status.COLLECTED,
}


def upcast_v9_v10(state: dict[str, Any]) -> None:
    """Snapshots from before a payee was fixed, and an appeal open until a person has answered."""
    state["payee_sealed"] = None
    state["appeal_open"] = state["appealed"] and state["status"] in ANSWERS_OPEN
    state["reviewed_in_round"] = state["rounds"] if state["by_officer"] else 0
