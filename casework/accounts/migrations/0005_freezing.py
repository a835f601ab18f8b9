"""Accounts that their owners froze, and those that an administrator switched off: two reasons, each to be undone alone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import casework.core.clock
import casework.core.ids
from casework.core import walls

# The last two migrations of `cases` make `cw_user` and `cw_has_role`; the body of a function is looked up when it runs.
WALL = """
-- Nobody but oneself freezes an account, and nobody opens their own again: neither a link in a mail, where nobody is
-- signed in, nor a session that is left over.
CREATE FUNCTION accounts_user_freezing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'cw_web' OR OLD.frozen_at IS NOT DISTINCT FROM NEW.frozen_at THEN
        RETURN NEW;
    END IF;
    IF OLD.frozen_at IS NULL AND NEW.id = cw_user() THEN
        RETURN NEW;
    END IF;
    IF NEW.frozen_at IS NULL AND NEW.id <> cw_user() AND (cw_has_role('coordinator') OR cw_has_role('admin')) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an account is frozen by its owner and opened again by somebody else'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER accounts_user_freezing BEFORE UPDATE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_user_freezing();

-- A request is made in one's own name and ended once.
CREATE FUNCTION accounts_unfreezing_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'cw_web' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'asked' AND NEW.asked_by = cw_user() AND NEW.user_id <> cw_user() THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.state = 'asked' AND NEW.ended_by = cw_user() THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a request to open an account again is made in one''s own name and ended once'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER accounts_unfreezing_course BEFORE INSERT OR UPDATE ON accounts_unfreezing
    FOR EACH ROW EXECUTE FUNCTION accounts_unfreezing_course();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_devices"),
    ]

    operations = [
        migrations.AddField("user", "frozen_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("user", "switched_off_at", models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(
            "UPDATE accounts_user SET switched_off_at = now() WHERE NOT is_active;", migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=models.Q(
                    ("is_active", False),
                    models.Q(("frozen_at__isnull", True), ("switched_off_at__isnull", True)),
                    _connector="OR",
                ),
                name="accounts_user_closed",
            ),
        ),
        migrations.CreateModel(
            name="Unfreezing",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("asked_by", models.UUIDField()),
                ("asked_at", models.DateTimeField(default=casework.core.clock.now)),
                (
                    "state",
                    models.CharField(
                        choices=[("asked", "Waiting"), ("stopped", "Stopped"), ("done", "Opened")],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("ended_by", models.UUIDField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("mac", models.BinaryField(max_length=16)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "asked")),
                        fields=("user",),
                        name="accounts_unfreezing_one_waits",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            WALL
            + walls.open_tables(["accounts_unfreezing"], web="SELECT, INSERT, UPDATE (state, ended_by, ended_at, mac)"),
            migrations.RunSQL.noop,
        ),
    ]
