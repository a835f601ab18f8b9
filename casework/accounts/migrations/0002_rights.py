"""What the web and worker roles may do with the tables of people, sessions and sign-in, which belong to no case."""

from django.db import migrations

from casework.core import walls

_OWN = ["accounts_team", "accounts_teamrole", "accounts_membership"]
_WAYS_IN = ["accounts_invitation", "accounts_demolink"]
# Whom to remind and in which language: no password hash.
_WORKER_READS = "id, email, name, language, is_active"
_LIBRARIES = ["account_emailaddress", "account_emailconfirmation", "mfa_authenticator", "django_session"]
_DJANGO = ["auth_permission", "django_content_type", "django_migrations"]

SQL = "\n".join(
    [
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;",
        walls.open_tables(["accounts_user"], web="SELECT, INSERT, UPDATE"),
        f"GRANT SELECT ({_WORKER_READS}) ON accounts_user TO cw_worker;",
        # What a team or a role is does not change: rows are added, and a membership may be taken away.
        walls.open_tables(_OWN, web="SELECT, INSERT", worker="SELECT"),
        "GRANT DELETE ON accounts_membership TO cw_web;",
        walls.open_tables(_WAYS_IN, web="SELECT, INSERT, UPDATE (used_at)"),
        walls.open_tables(_LIBRARIES, web="SELECT, INSERT, UPDATE, DELETE"),
        walls.open_tables(["auth_group"], web="SELECT, INSERT", worker="SELECT"),
        walls.open_tables(_DJANGO, web="SELECT", worker="SELECT"),
        # Identity columns of the libraries' tables.
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cw_web;",
    ]
)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
