"""Background work of this area: wakes the services, holds no logic."""

from uuid import UUID

from celery import shared_task

from casework.reminders import services


@shared_task(name="reminders.plan")
def plan() -> None:
    """Plan all cases; beat calls this every hour."""
    services.plan()


@shared_task(name="reminders.plan_case")
def plan_case(case_id: str) -> None:
    """Plan one case whose limits, lead, team or state changed just before."""
    services.plan_case(UUID(case_id))
