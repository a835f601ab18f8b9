"""Background work of this area: wakes the services, holds no logic."""

from celery import shared_task

from casework.core import clock
from casework.procedure import services


@shared_task(name="procedure.refresh")
def refresh() -> None:
    """Derive again what changes today by the passing of time alone."""
    services.refresh_due(on=clock.today())
