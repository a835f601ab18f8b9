"""Rotation: when a wrapping key was retired, and a wall that lets no wrap be written under one that is not active.

The wall is what makes retiring safe. A process may hold a wrapping key for some minutes after a rotation: its wrap is
refused here, and it takes the newest key. Retiring locks the key's row and then counts: whoever wrote under that key
has either committed and is counted, or waits here and is refused.
"""

from django.db import migrations, models

WALL = """
CREATE FUNCTION crypto_wrap_under_active() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wanted bigint;
BEGIN
    FOR wanted IN SELECT DISTINCT key_version FROM added WHERE recipient_kind = 1 LOOP
        PERFORM 1 FROM crypto_kek WHERE version = wanted AND state = 'active' FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'wrapping key % takes no wrap', wanted
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crypto_keywrap_under_active';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION crypto_wrap_under_active FROM PUBLIC;
CREATE TRIGGER crypto_keywrap_made AFTER INSERT ON crypto_keywrap REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION crypto_wrap_under_active();
CREATE TRIGGER crypto_keywrap_changed AFTER UPDATE ON crypto_keywrap REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION crypto_wrap_under_active();
"""

UNDO = """
DROP TRIGGER crypto_keywrap_changed ON crypto_keywrap;
DROP TRIGGER crypto_keywrap_made ON crypto_keywrap;
DROP FUNCTION crypto_wrap_under_active;
"""


class Migration(migrations.Migration):
    dependencies = [("crypto", "0001_initial")]

    operations = [
        migrations.AddField("kek", "retired_at", models.DateTimeField(null=True)),
        migrations.AlterField(
            "keyscope",
            "state",
            models.CharField(
                choices=[("live", "Live"), ("retired", "Retired"), ("erased", "Erased")], default="live", max_length=8
            ),
        ),
        migrations.RunSQL(WALL, UNDO),
    ]
