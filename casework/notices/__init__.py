"""The outbox: who is told what, when, by which channel; claiming, sending and marking; the inbox; mail.

Owns: `Notice` (one row per recipient, channel and occasion; a sent inbox row *is* the inbox item, so it cannot appear
twice), `Heartbeat` (when planning and delivery last ran), the mail's wording, and the demo's mailbox. PostgreSQL holds
the work; Celery and Redis only wake it, so an emptied Redis loses nothing.

Must never: know what a case is (it carries ids that mean nothing here), put a name, reference, country, ground or date
into a mail, or send without a claim that ends by itself.
"""
