"""Requests to make somebody coordinator of a team, which a second person confirms; and renaming teams."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import casework.core.clock
import casework.core.ids
from casework.core import walls

# `cw_user` and the cases come with later migrations; the body of such a function is looked up when it runs.
WALL = """
-- A request is made in one's own name (or, where somebody accepts an older invitation, in that of whoever invited
-- them), decided once, and never confirmed by whoever asked or by the person themselves.
CREATE FUNCTION accounts_rolerequest_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'cw_web' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'waiting' AND (NEW.asked_by = cw_user() OR cw_user() IS NULL) THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.state = 'waiting' THEN
        IF NEW.state = 'waiting' THEN
            RETURN NEW;
        ELSIF NEW.decided_by = cw_user() AND (
            NEW.state <> 'confirmed' OR (NEW.asked_by <> cw_user() AND NEW.user_id IS DISTINCT FROM cw_user())
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a role is asked for in one''s own name and confirmed once, by somebody else'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER accounts_rolerequest_course BEFORE INSERT OR UPDATE ON accounts_rolerequest
    FOR EACH ROW EXECUTE FUNCTION accounts_rolerequest_course();

-- Whether there is any case at all: the first coordinator of an installation without one needs no second person.
CREATE FUNCTION cw_any_case() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM cases_case);
END
$$;

GRANT UPDATE (name) ON accounts_team TO cw_web;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleRequest",
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
                        choices=[
                            ("waiting", "Waiting"),
                            ("confirmed", "Confirmed"),
                            ("refused", "Refused"),
                            ("withdrawn", "Taken back"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("decided_by", models.UUIDField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("mac", models.BinaryField(max_length=16)),
                (
                    "invitation",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.invitation",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.team"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user__isnull", False), ("invitation__isnull", False), _connector="OR"),
                        name="accounts_rolerequest_about_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("user", "team"),
                        name="accounts_rolerequest_one_waits",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            WALL
            + walls.open_tables(
                ["accounts_rolerequest"], web="SELECT, INSERT, UPDATE (user_id, state, decided_by, decided_at, mac)"
            ),
            migrations.RunSQL.noop,
        ),
    ]
