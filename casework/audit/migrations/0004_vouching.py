"""What compares the rows of a case with the trail when they are opened: an index, and the worker's sight of it.

The worker derives time limits and must not do so from rows that were changed outside the application; the owner renews
keys and vouches for the rows anew. Each sees from now on the entries that vouch for rows; their particulars are sealed.
"""

from django.db import migrations

# `casework.audit.vouching` asks with the same words.
VOUCHING = """
    (row_digest <> '\\x0000000000000000000000000000000000000000000000000000000000000000'::bytea
     OR action IN (202, 206, 302, 403, 502, 503))
"""

APPLY = f"""
CREATE INDEX audit_entry_vouching ON audit_entry (stream, object, seq DESC) WHERE {VOUCHING};
CREATE POLICY audit_entry_vouch ON audit_entry FOR SELECT TO cw_worker, cw_owner USING ({VOUCHING});
"""

UNDO = """
DROP POLICY audit_entry_vouch ON audit_entry;
DROP INDEX audit_entry_vouching;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_keeper")]

    operations = [migrations.RunSQL(APPLY, UNDO)]
