"""Second factors that were lost: who asked that somebody set up a new one, and how far that is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import casework.core.clock
import casework.core.ids
from casework.core import walls

# The migrations of `cases` make `cw_user`; the body of a function is looked up when it runs.
WALL = """
-- A reset is asked for in one's own name and for somebody else, goes one step after the other, and ends once.
CREATE FUNCTION accounts_factorreset_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'cw_web' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'asked' AND NEW.asked_by = cw_user() AND NEW.user_id <> cw_user() THEN
            RETURN NEW;
        END IF;
    ELSIF NEW.state = 'stopped' THEN
        IF OLD.state IN ('asked', 'linked', 'opened') AND NEW.ended_by = cw_user() THEN
            RETURN NEW;
        END IF;
    ELSIF NEW.state = 'linked' THEN
        IF OLD.state = 'asked' AND NEW.linked_by = cw_user() AND NEW.user_id <> cw_user() THEN
            RETURN NEW;
        END IF;
    ELSIF NEW.state = 'opened' THEN
        IF OLD.state IN ('linked', 'opened') THEN
            RETURN NEW;
        END IF;
    ELSIF NEW.state = 'done' THEN
        IF OLD.state = 'opened' AND NEW.user_id = cw_user() THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a second factor is reset by colleagues, one step after the other'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER accounts_factorreset_course BEFORE INSERT OR UPDATE ON accounts_factorreset
    FOR EACH ROW EXECUTE FUNCTION accounts_factorreset_course();
"""
_CHANGES = "state, linked_by, token_hash, expires_at, ended_by, ended_at, mac"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_freezing"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactorReset",
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
                    "known_by",
                    models.CharField(
                        choices=[
                            ("person", "They stood before me"),
                            ("voice", "I know their voice, and called a number that I had before"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waiting"),
                            ("linked", "Link made"),
                            ("opened", "Link opened"),
                            ("done", "Done"),
                            ("stopped", "Stopped"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("linked_by", models.UUIDField(null=True)),
                ("token_hash", models.BinaryField(max_length=32, null=True, unique=True)),
                ("expires_at", models.DateTimeField(null=True)),
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
                "indexes": [models.Index(fields=["user", "asked_at"], name="accounts_factorreset_user")],
            },
        ),
        migrations.RunSQL(
            WALL + walls.open_tables(["accounts_factorreset"], web=f"SELECT, INSERT, UPDATE ({_CHANGES})"),
            migrations.RunSQL.noop,
        ),
    ]
