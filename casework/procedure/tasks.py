"""Background work of this area: wakes the services, holds no logic."""

from uuid import UUID

from celery import shared_task

from casework.core import clock
from casework.procedure import services


@shared_task(name="procedure.refresh")
def refresh() -> None:
    """Derive again what changes today by the passing of time alone."""
    services.refresh_due(on=clock.today())


@shared_task(name="procedure.derive_case")
def derive_case(case_id: str) -> None:
    """Derive a case again whose people changed while somebody else was deriving it."""
    services.derive_case(UUID(case_id))
