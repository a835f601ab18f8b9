"""What waits to be planned."""

from django.db import models

from casework.core import clock, ids


class Pending(models.Model):
    """A case's reminders are to be planned again.

    One row for each request and never a changed one: those who ask do not wait for those who plan, and a request that
    is committed while the case is being planned is not swept away with the older ones. `aside_until`: planning it
    failed, and others go first.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case_id = models.UUIDField(db_index=True)
    asked_at = models.DateTimeField(default=clock.now, db_index=True)
    aside_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"pending {self.pk}"
