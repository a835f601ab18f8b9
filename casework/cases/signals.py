"""`country_changing(case_id, former, country)`: sent before a case is saved with another country; whoever derives from
it may refuse with `Invalid`, and nothing is saved then."""

from django.dispatch import Signal

country_changing = Signal()
