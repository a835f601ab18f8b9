"""Background work of this area: wakes the services, holds no logic."""

from celery import shared_task

from casework.documents import services


@shared_task(name="documents.sweep")
def sweep() -> None:
    """Remove what broken uploads and erased cases left behind; beat calls this every hour."""
    services.sweep_incoming()
    services.sweep_erased()
