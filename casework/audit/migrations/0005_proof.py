"""What a proof of one case's trail is made of: hashes of the log, given out by functions that tell no other case's id.

The tables of the log stay shut to the web: they name every case there is.
"""

from django.db import migrations

# Where the sealed entries of a case stand in the log of `size` events. To be asked by who may see the case.
PLACE = """
CREATE FUNCTION audit_last_leaf(wanted uuid, size bigint) RETURNS TABLE (place bigint, seq bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l."index", l.seq FROM audit_leaf l
     WHERE l.stream = wanted AND l."index" < size AND cw_sees(wanted) ORDER BY l.seq DESC LIMIT 1
$$;
"""

# Hashes of hashes: who may see one case learns from them how many entries there are, which every checkpoint says.
LEAVES = r"""
CREATE FUNCTION audit_leaf_hashes(first bigint, past bigint) RETURNS SETOF bytea
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT sha256('\x00'::bytea || uuid_send(l.stream) || int8send(l.seq) || l.hash) FROM audit_leaf l
     WHERE l."index" >= first AND l."index" < past ORDER BY l."index"
$$;

CREATE FUNCTION audit_head_hashes(wanted uuid, size bigint) RETURNS TABLE (mine boolean, digest bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT h.stream = wanted AND cw_sees(wanted),
           sha256('\x00'::bytea || uuid_send(h.stream) || int8send(h.seq) || h.hash)
      FROM (SELECT DISTINCT ON (l.stream) l.stream, l.seq, l.hash FROM audit_leaf l
             WHERE l."index" < size ORDER BY l.stream, l.seq DESC) h
     ORDER BY h.stream
$$;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION audit_last_leaf, audit_leaf_hashes, audit_head_hashes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_last_leaf, audit_leaf_hashes, audit_head_hashes TO cw_web;
GRANT SELECT ON audit_checkpoint TO cw_web;
"""

UNDO = """
REVOKE SELECT ON audit_checkpoint FROM cw_web;
DROP FUNCTION audit_last_leaf;
DROP FUNCTION audit_leaf_hashes;
DROP FUNCTION audit_head_hashes;
"""


class Migration(migrations.Migration):
    # `cw_sees` comes with the walls of the cases.
    dependencies = [("audit", "0004_vouching"), ("cases", "0002_walls")]

    operations = [migrations.RunSQL(PLACE + LEAVES + RIGHTS, UNDO)]
