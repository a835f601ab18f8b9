"""Background work of this area: wakes the services, holds no logic."""

from celery import shared_task

from casework.notices import services


@shared_task(name="notices.dispatch")
def dispatch() -> None:
    """Deliver all that is due; beat calls this every minute."""
    services.dispatch()


@shared_task(name="notices.deliver")
def deliver() -> None:
    """Deliver all that is due, now: something urgent was planned just before."""
    services.dispatch()
