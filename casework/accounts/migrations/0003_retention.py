"""How long a team keeps closed cases; its coordinators say so in the application."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_rights")]

    operations = [
        migrations.AddField(
            "team",
            "retention_months",
            models.PositiveSmallIntegerField(null=True, verbose_name="months that closed cases are kept"),
        ),
        migrations.AddConstraint(
            "team",
            models.CheckConstraint(
                condition=models.Q(retention_months__isnull=True)
                | models.Q(retention_months__gte=1, retention_months__lte=240),
                name="accounts_team_retention",
            ),
        ),
        migrations.RunSQL(
            "GRANT UPDATE (retention_months) ON accounts_team TO cw_web;",
            "REVOKE UPDATE (retention_months) ON accounts_team FROM cw_web;",
        ),
    ]
