"""`limits_changed(case_id)`: sent inside the transaction that stored other limits; reminders plan in their receiver."""

from django.dispatch import Signal

limits_changed = Signal()
