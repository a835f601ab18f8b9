"""Background work of this area: wakes the services, holds no logic."""

from celery import shared_task

from casework.notices import checkpoints, services


@shared_task(name="notices.dispatch")
def dispatch() -> None:
    """Deliver all that is due; beat calls this every minute."""
    services.dispatch()


@shared_task(name="notices.deliver")
def deliver() -> None:
    """Deliver all that is due, now: something urgent was planned just before."""
    services.dispatch()


@shared_task(name="notices.mail_checkpoint")
def mail_checkpoint() -> None:
    """Mail the day's checkpoint of the audit trail to whoever keeps them; beat asks every quarter of an hour."""
    checkpoints.hand_out()
