"""The trail: who did what to which case, when, and proof that nothing in it was changed, removed or cut off.

Owns: the entries (one hash chain a case, a user, and one for the system), the log that the sealer makes of them, its
signed checkpoints, their verification, and the only door to simple-history. Formats: docs/formats-audit.md.

Others call `services.record(...)` inside a unit of work; it is written as the last statements of the transaction.
Ids only and no foreign keys out: an entry outlives whatever it speaks of.

Must never: change or delete an entry, know a case or a user as more than an id, write a particular in the clear, or
let an act succeed whose entry could not be written.
"""
