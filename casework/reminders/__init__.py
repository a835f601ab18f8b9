"""Plans reminders: which time limit, which step, whom, when. Sending them is the work of `notices`.

Owns: the ladder of steps, who is told, and `Pending`: cases whose reminders are to be planned again. A row is written
in the transaction that changed the case; the worker plans it as soon as Celery wakes it, or when the next dispatch
looks. Plans are derived from stored limits and may be derived again at any time: the second time changes nothing.

Must never: open a sealed value, decide a date, or hold a plan anywhere but in the outbox.
"""
