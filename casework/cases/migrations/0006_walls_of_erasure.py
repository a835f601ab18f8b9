"""Who may ask for an erasure, who sees it, and the function that takes every row of a case away.

The functions know no list of tables: they take every table that names a case by `case_id`, as the catalogue of the
database has it, and whatever hangs below one by a foreign key. So a table that is added later is not forgotten. What
stays on purpose is named once, in `_STAYS`.
"""

from django.db import migrations

from casework.core import walls

# The trail, which tells that it happened, and the request itself.
_STAYS = "'audit_entry', 'cases_erasure'"

WHO = """
CREATE FUNCTION cw_coordinates(wanted uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM accounts_teamrole r
                    WHERE r.team_id = wanted AND r.role = 'coordinator' AND r.group_id = ANY(cw_groups()))
$$;
"""

WALL = walls.wall(
    "cases_erasure",
    # Whoever leads a case learns that it is to be erased, also from somebody else's request.
    sees=(
        "(asked_by = (SELECT cw_user()) AND (SELECT cw_active())) OR cw_coordinates(team_id)"
        " OR (state = 'asked' AND cw_leads(case_id))"
    ),
    # Asked by oneself, of a case that one leads and that is of that team and name.
    writes=(
        "CASE WHEN state = 'asked' THEN asked_by = (SELECT cw_user()) AND cw_leads(case_id) AND EXISTS ("
        "SELECT 1 FROM cases_case c WHERE c.id = case_id AND c.team_id = cases_erasure.team_id"
        " AND c.reference = cases_erasure.reference) ELSE decided_by = (SELECT cw_user()) END"
    ),
    web="SELECT, INSERT, UPDATE (state, decided_by, decided_at, key_count, mac)",
)

WORKER = """
-- The worker removes the files that an erasure left behind, and sees of erasures no more than that takes.
GRANT SELECT (id, state, decided_at, objects_left), UPDATE (objects_left) ON cases_erasure TO cw_worker;
CREATE POLICY cases_erasure_worker ON cases_erasure TO cw_worker
    USING (state = 'erased') WITH CHECK (state = 'erased');
-- The verifier finds the stream of an erased case by the reference that it had.
GRANT SELECT (case_id, reference, state) ON cases_erasure TO cw_sealer;
CREATE POLICY cases_erasure_sealer ON cases_erasure FOR SELECT TO cw_sealer USING (state = 'erased');
"""

# A policy sees the old row or the new one, never both; so the ways that a request may take stand in a trigger.
COURSE = """
CREATE FUNCTION cases_erasure_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'cw_web' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'asked' AND NEW.row_count + NEW.key_count + NEW.file_count = 0 AND NEW.objects_left = '{}' THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.state = 'asked' AND NEW.state = 'withdrawn' AND OLD.asked_by = cw_user() THEN
        RETURN NEW;
    ELSIF OLD.state = 'asked' AND NEW.state = 'refused' AND OLD.asked_by <> cw_user() AND cw_coordinates(OLD.team_id) THEN
        RETURN NEW;
    -- What the application knows and signs once `cw_erase_case` has run.
    ELSIF OLD.state = 'erased' AND NEW.state = 'erased' AND octet_length(OLD.mac) = 0
          AND (OLD.decided_by, OLD.decided_at) = (NEW.decided_by, NEW.decided_at) AND OLD.decided_by = cw_user() THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a request to erase a case does not go from % to %',
        CASE WHEN TG_OP = 'INSERT' THEN 'nothing' ELSE OLD.state END, NEW.state USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER cases_erasure_course BEFORE INSERT OR UPDATE ON cases_erasure
    FOR EACH ROW EXECUTE FUNCTION cases_erasure_course();
"""

FORGET = f"""
CREATE FUNCTION cw_tables_of_cases() RETURNS TABLE (name regclass, objects boolean)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.oid::regclass,
           EXISTS (SELECT 1 FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'object_id'
                      AND o.atttypid = 'uuid'::regtype AND NOT o.attisdropped)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
       AND a.attname = 'case_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
       AND c.relname NOT IN ({_STAYS})
     -- History after the rows whose history it is: who holds one of those may be about to write some.
     ORDER BY c.relname LIKE '%historical%', c.relname
$$;

-- Deletes rows, and before them what hangs below them in tables that do not name the case themselves.
CREATE FUNCTION cw_forget_rows(tab regclass, condition text, wanted uuid) RETURNS bigint
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint := 0;
    here bigint;
    below record;
BEGIN
    FOR below IN
        SELECT k.conrelid::regclass AS tab, a.attname AS col, f.attname AS target
          FROM pg_constraint k
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
          JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
         WHERE k.contype = 'f' AND k.confrelid = tab AND k.conrelid <> tab
           AND NOT EXISTS (SELECT 1 FROM pg_attribute own WHERE own.attrelid = k.conrelid
                              AND own.attname = 'case_id' AND NOT own.attisdropped)
    LOOP
        gone := gone + cw_forget_rows(
            below.tab, format('%I IN (SELECT %I FROM %s WHERE %s)', below.col, below.target, tab, condition), wanted);
    END LOOP;
    EXECUTE format('DELETE FROM %s WHERE %s', tab, condition) USING wanted;
    GET DIAGNOSTICS here = ROW_COUNT;
    RETURN gone + here;
END
$$;

CREATE FUNCTION cw_objects_of_case(wanted uuid) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    found uuid[] := '{{}}';
    more uuid[];
    t record;
BEGIN
    FOR t IN SELECT name FROM cw_tables_of_cases() WHERE objects LOOP
        EXECUTE format('SELECT array_agg(DISTINCT object_id) FROM %s WHERE case_id = $1', t.name) INTO more USING wanted;
        found := found || coalesce(more, '{{}}');
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT unnest(found) ORDER BY 1);
END
$$;

-- Takes away every row of a case, and its key. Its caller has asked whether that may be.
CREATE FUNCTION cw_forget_case(wanted uuid) RETURNS bigint
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint := 0;
    t record;
BEGIN
    -- Keeps others from saving the case, but not from committing what hangs below it: whoever holds such a row is
    -- waited for, and would wait for us at their commit.
    PERFORM 1 FROM cases_case WHERE id = wanted FOR NO KEY UPDATE;
    FOR turn IN 1..2 LOOP
        FOR t IN SELECT name FROM cw_tables_of_cases() LOOP
            gone := gone + cw_forget_rows(t.name, 'case_id = $1', wanted);
        END LOOP;
        -- From here on nothing can be committed that belongs to the case. Sealed values and new generations of the key
        -- wait for this lock (`crypto.services.fence_of`) and then find the key erased; rows below the case wait for
        -- its row, and then have none. The second turn takes what was committed during the first.
        PERFORM pg_advisory_xact_lock({0x6377_6B67}, ('x' || right(wanted::text, 8))::bit(32)::int & 1023);
        PERFORM 1 FROM cases_case WHERE id = wanted FOR UPDATE;
    END LOOP;
    FOR t IN SELECT c.oid::regclass AS tab, a.attname AS col FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
                AND a.atttypid = 'uuid[]'::regtype AND c.relname NOT IN ({_STAYS})
    LOOP
        EXECUTE format('UPDATE %s SET %I = array_remove(%I, $1) WHERE $1 = ANY(%I)', t.tab, t.col, t.col, t.col)
            USING wanted;
    END LOOP;
    gone := gone + cw_forget_rows('cases_historicalcase', 'id = $1', wanted);
    gone := gone + cw_forget_rows('cases_case', 'id = $1', wanted);
    DELETE FROM crypto_keywrap w USING crypto_keyscope s
     WHERE s.id = w.scope AND wanted IN (s.id, s.parent) AND s.kind IN ('case', 'person');
    UPDATE crypto_keyscope s SET state = 'erased'
     WHERE wanted IN (s.id, s.parent) AND s.kind IN ('case', 'person') AND s.state <> 'erased';
    UPDATE cases_erasure SET note_sealed = '' WHERE case_id = wanted AND note_sealed <> '';
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION cw_tables_of_cases, cw_forget_rows, cw_objects_of_case, cw_forget_case FROM PUBLIC;
"""

ERASE = """
-- The one way in for the application: what one person asked for, another one confirms who coordinates the case's team.
CREATE FUNCTION cw_erase_case(erasure uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    e cases_erasure;
    files uuid[];
    gone bigint;
BEGIN
    SELECT * INTO e FROM cases_erasure WHERE id = erasure FOR UPDATE;
    IF NOT FOUND OR e.state <> 'asked' OR cw_user() IS NULL OR e.asked_by = cw_user()
       OR NOT cw_leads(e.case_id) OR NOT cw_coordinates(e.team_id) THEN
        RAISE EXCEPTION 'this erasure was not asked for by one person and confirmed by another who may'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    files := cw_objects_of_case(e.case_id);
    gone := cw_forget_case(e.case_id);
    UPDATE cases_erasure SET state = 'erased', decided_by = cw_user(), decided_at = now(), row_count = gone,
           file_count = cardinality(files), objects_left = files, mac = ''
     WHERE id = erasure;
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION cw_erase_case FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_erase_case TO cw_web;

-- For a restored database (as the owner): what was erased since the backup was made is erased again. The files to be
-- removed are returned.
CREATE FUNCTION cw_erase_again(wanted uuid) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    files uuid[] := cw_objects_of_case(wanted);
BEGIN
    PERFORM cw_forget_case(wanted);
    UPDATE cases_erasure SET objects_left = files WHERE case_id = wanted AND state = 'erased';
    RETURN files;
END
$$;
REVOKE ALL ON FUNCTION cw_erase_again FROM PUBLIC;

-- What was under way while a case was erased may have left a row in a table without a foreign key to it.
CREATE FUNCTION cw_sweep_erased() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint := 0;
    erased uuid;
BEGIN
    FOR erased IN SELECT case_id FROM cases_erasure WHERE state = 'erased' AND decided_at > now() - interval '2 days' LOOP
        gone := gone + cw_forget_case(erased);
    END LOOP;
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION cw_sweep_erased FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_sweep_erased TO cw_worker;

-- Whoever had an erased case open is told that there is nothing, as anybody is.
CREATE FUNCTION cw_is_erased(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM cases_erasure e WHERE e.case_id = wanted AND e.state = 'erased')
$$;
REVOKE ALL ON FUNCTION cw_is_erased FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_is_erased TO cw_web, cw_worker;
"""

TRAIL = """
-- The trail of an erased case is closed: its last entry is the erasure, written by whoever confirms it, in the same
-- transaction. A page that was being made meanwhile can no longer be put on record, and is not shown.
CREATE OR REPLACE FUNCTION cw_no_stream(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.id = wanted)
       AND NOT EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = wanted)
       AND NOT EXISTS (SELECT 1 FROM cases_erasure e WHERE e.case_id = wanted AND e.state = 'erased'
                          AND NOT (e.decided_by = cw_user() AND e.decided_at = now()))
$$;

-- For the certificate: the first checkpoint over an entry. Checkpoints are made to be handed out.
CREATE FUNCTION cw_checkpoint_over(wanted uuid, entry bigint) RETURNS TABLE (number bigint, size bigint, signed_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.number, c.size, c.time
      FROM audit_leaf l JOIN audit_checkpoint c ON c.size > l.index
     WHERE l.stream = wanted AND l.seq = entry ORDER BY c.number LIMIT 1
$$;
REVOKE ALL ON FUNCTION cw_checkpoint_over FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_checkpoint_over TO cw_web;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_erasure"), ("accounts", "0003_retention")]

    operations = [
        migrations.RunSQL("\n".join([WHO, WALL, WORKER, COURSE, FORGET, ERASE, TRAIL]), migrations.RunSQL.noop)
    ]
