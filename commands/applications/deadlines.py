"""How long the steps of an application may take, as the city has set it."""

from datetime import timedelta

from commands.services import Services


def identity_time(services: Services) -> timedelta:
    """The time that an applicant has to be identified."""
    return timedelta(seconds=services.settings.application_identity_seconds)


def evidence_time(services: Services) -> timedelta:
    """The time that departments have to answer."""
    return timedelta(seconds=services.settings.application_evidence_seconds)


def task_time(services: Services) -> timedelta:
    """The time that an officer has a task for themselves."""
    return timedelta(seconds=services.settings.application_task_seconds)


def payout_time(services: Services) -> timedelta:
    """The time that the bank has before a payout counts as delayed."""
    return timedelta(seconds=services.settings.application_payout_seconds)
