"""Sealing anew by the worker: it holds the rows of one case and exchanges ciphertexts, and has no other right to them.

The worker has no right to most tables, and none to history. These functions give it ciphertext of columns that are
sealed, and let it put one in the place of another only as a renewal does: same column, same length, from an older
generation of that scope's key to the newest, and only if what it opened still stands there.

Beside it, how many values each generation has sealed, so that none seals more than is safe.
"""

from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION crypto_newest(wanted uuid) RETURNS bigint LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT max(generation) FROM crypto_keyscope WHERE id = wanted AND state = 'live'
$$;

CREATE FUNCTION crypto_check_columns(columns name[]) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM unnest(columns) c WHERE c !~ '_sealed$' AND c <> 'file_key') THEN
        RAISE EXCEPTION 'only sealed columns are sealed anew' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

CREATE FUNCTION crypto_outdated(tab regclass, row_column name, scope_column name, wanted uuid, columns name[])
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    older text;
BEGIN
    PERFORM crypto_check_columns(columns);
    SELECT string_agg(format('substring(%I FROM 5 FOR 4) < int4send($2)', c), ' OR ') INTO older FROM unnest(columns) c;
    RETURN QUERY EXECUTE format('SELECT DISTINCT %I FROM %s WHERE %I = $1 AND (%s)', row_column, tab, scope_column, older)
        USING wanted, crypto_newest(wanted)::int;
END
$$;

CREATE FUNCTION crypto_hold(tab regclass, key_column name, row_column name, scope_column name, wanted uuid,
                            of_rows uuid[], columns name[], files name[])
    RETURNS TABLE (key uuid, row_id uuid, sealed bytea[], file_ids uuid[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM crypto_check_columns(columns);
    RETURN QUERY EXECUTE format(
        'SELECT %1$I, %2$I, ARRAY[%3$s]::bytea[], ARRAY[%4$s]::uuid[] FROM %5$s'
        ' WHERE %6$I = $1 AND %2$I = ANY($2) ORDER BY %1$I FOR UPDATE',
        key_column, row_column, (SELECT string_agg(quote_ident(c), ',' ORDER BY n) FROM unnest(columns) WITH ORDINALITY u(c, n)),
        coalesce((SELECT string_agg(quote_ident(c), ',' ORDER BY n) FROM unnest(files) WITH ORDINALITY u(c, n)), ''),
        tab, scope_column) USING wanted, of_rows;
END
$$;

CREATE FUNCTION crypto_reseal(tab regclass, key_column name, wanted_key uuid, scope_column name, wanted uuid,
                              columns name[], before bytea[], after bytea[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    newest bytea := int4send(crypto_newest(wanted)::int);
    placed text;
    stands text;
    done bigint;
BEGIN
    PERFORM crypto_check_columns(columns);
    IF EXISTS (SELECT 1 FROM unnest(before, after) u(b, a)
                WHERE b IS NULL OR a IS NULL OR length(a) <> length(b) OR substring(a FOR 4) <> substring(b FOR 4)
                   OR substring(a FROM 5 FOR 4) <> newest OR substring(b FROM 5 FOR 4) >= newest) THEN
        RAISE EXCEPTION 'this is no renewal of a value' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT string_agg(format('%I = ($4)[%s]', c, n), ', '), string_agg(format('%I = ($3)[%s]', c, n), ' AND ')
      INTO placed, stands FROM unnest(columns) WITH ORDINALITY u(c, n);
    EXECUTE format('UPDATE %s SET %s WHERE %I = $1 AND %I = $2 AND %s', tab, placed, key_column, scope_column, stands)
        USING wanted_key, wanted, before, after;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done = 1;
END
$$;

CREATE FUNCTION crypto_retire(wanted uuid) RETURNS SETOF bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE crypto_keyscope SET state = 'retired'
     WHERE id = wanted AND state = 'live' AND generation < crypto_newest(wanted)
    RETURNING generation
$$;

REVOKE ALL ON FUNCTION crypto_outdated, crypto_hold, crypto_reseal, crypto_retire FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crypto_outdated, crypto_hold, crypto_reseal, crypto_retire TO cw_worker;
"""

COUNTING = "GRANT UPDATE (sealed) ON crypto_keyscope TO cw_web, cw_worker"
UNDO = """
DROP FUNCTION crypto_outdated, crypto_hold, crypto_reseal, crypto_retire, crypto_check_columns, crypto_newest;
"""


class Migration(migrations.Migration):
    dependencies = [("crypto", "0003_drill")]

    operations = [
        migrations.AddField("keyscope", "sealed", models.PositiveBigIntegerField(default=0, db_default=0)),
        migrations.RunSQL(FUNCTIONS, UNDO),
        migrations.RunSQL(COUNTING, "REVOKE UPDATE (sealed) ON crypto_keyscope FROM cw_web, cw_worker"),
    ]
