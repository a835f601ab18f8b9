"""What this area tells the areas above it, in the transaction that does it.

`country_changing(case_id, former, country)`: sent before a case is saved with another country; whoever derives from it
may refuse with `Invalid`, and nothing is saved then.

`case_reopened(case_id)`: sent when a closed case was opened again and saved: what was not followed meanwhile is old.

`leads_changed(case_ids)`: sent when many cases were given another lead at once, after they were written.

`case_erasing(case_id)`: sent before the rows of a case are taken away, while they and its key can still be read;
whoever locks rows of the case before the case itself locks them now.

`case_erased(case_id, objects)`: sent when its key is destroyed and its rows are gone, before the commit. `objects`: ids
of the files that its documents lay in. An error in a receiver leaves the case whole.
"""

from django.dispatch import Signal

country_changing = Signal()
case_reopened = Signal()
leads_changed = Signal()
case_erasing = Signal()
case_erased = Signal()
