"""Tokens are a case's own, behind its wall; whoever looks for some asks a function that asks the grants as well.

An index cannot be used behind a row's wall: operators on arrays may not be asked before it. So the function runs as
the owner of the tables and answers with nothing but ids of cases that the asking person may see.
"""

from django.db import migrations

from casework.core import walls

SEARCH = """
CREATE FUNCTION cw_search(wanted bigint[], words smallint[]) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH hits AS MATERIALIZED (
        SELECT t.case_id
          FROM unnest(wanted, words) AS w(token, word)
          JOIN cases_searchtokens t ON t.tokens @> ARRAY[w.token]
         GROUP BY t.case_id
        HAVING count(DISTINCT w.word) = (SELECT count(DISTINCT word) FROM unnest(words) AS word))
    -- Asked hit by hit, as there are few: as a mere condition it would read all grants of whoever asks.
    SELECT h.case_id FROM hits h CROSS JOIN LATERAL (
        (SELECT 1 FROM cases_casegroupgrant g
          WHERE g.case_id = h.case_id AND g.group_id = ANY((SELECT cw_groups())::integer[])
            AND (g.until IS NULL OR g.until > now()) LIMIT 1)
        UNION ALL
        (SELECT 1 FROM cases_caseusergrant g
          WHERE g.case_id = h.case_id AND g.user_id = (SELECT cw_user()) AND (SELECT cw_active())
            AND (g.until IS NULL OR g.until > now()) LIMIT 1)
        LIMIT 1) AS seen
$$;
REVOKE ALL ON FUNCTION cw_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_search TO cw_web;
"""

FORGET = """
-- The tokens of a case end with its key, whoever erases it: once no generation of the key is left.
CREATE FUNCTION cases_forget_tokens() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM crypto_keyscope s WHERE s.id = NEW.id AND s.state = 'live') THEN
        DELETE FROM cases_searchtokens t WHERE t.case_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION cases_forget_tokens FROM PUBLIC;
CREATE TRIGGER cases_searchtokens_end AFTER UPDATE ON crypto_keyscope
    FOR EACH ROW WHEN (NEW.state <> 'live') EXECUTE FUNCTION cases_forget_tokens();
"""

SQL = "\n".join(
    [
        walls.case_wall(
            "cases_searchtokens", web="SELECT, INSERT, UPDATE, DELETE", worker="SELECT, INSERT, UPDATE, DELETE"
        ),
        walls.open_tables(["cases_searchkey"], web="SELECT", worker="SELECT, INSERT, UPDATE, DELETE"),
        SEARCH,
        FORGET,
    ]
)


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_search")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
