"""`dispatching`: sent before each dispatch, outside any transaction; areas above plan what still waits for a plan."""

from django.dispatch import Signal

dispatching = Signal()
