"""Alerts: notices of grave events, which the web role adds in the unit of work in which they happen.

It may add these alone: planned, untouched, and under the key that the database puts together here itself. So a broken
web process can neither word a reminder nor stand in the way of one by taking its key; and `unusual` is the worker's,
who watches the trail.
"""

from django.db import migrations, models

WALLS = """
GRANT INSERT (id, recipient_id, channel, kind, case_id, about_id, subject_id, step, due_on, due_at, was_due_on, urgency,
              key, planned_at, send_at, state, next_try_at, attempts, failure) ON notices_notice TO cw_web;
CREATE POLICY notices_notice_alert ON notices_notice FOR INSERT TO cw_web WITH CHECK (
    kind IN ('glass_broken', 'frozen', 'unfreezing', 'factor_reset', 'role_asked', 'role_given', 'role_taken',
             'switched_off', 'switched_on', 'handed_over')
    AND channel IN ('inbox', 'mail') AND step = kind AND state = 'planned' AND urgency = 0
    AND due_at IS NULL AND was_due_on IS NULL AND attempts = 0 AND failure = ''
    AND key = recipient_id::text || ':' || channel || ':' || about_id::text || ':' || kind);
"""

UNDO = """
DROP POLICY notices_notice_alert ON notices_notice;
REVOKE INSERT ON notices_notice FROM cw_web;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0004_damaged"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="subject_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name="notice",
            name="case_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("limit", "A time limit needs attention"),
                    ("correction", "The date of a time limit has changed"),
                    ("rules", "Time limits of a case moved when all were computed again"),
                    ("damaged", "A record was changed outside the application"),
                    ("glass_broken", "A case was opened in an emergency"),
                    ("frozen", "An account was frozen for travel"),
                    ("unfreezing", "A frozen account is opened again"),
                    ("factor_reset", "Somebody is to set up a new second factor"),
                    ("role_asked", "A new coordinator waits for confirmation"),
                    ("role_given", "A role was given"),
                    ("role_taken", "A role was taken away"),
                    ("switched_off", "An account was switched off"),
                    ("switched_on", "An account was switched on again"),
                    ("handed_over", "Cases were handed over"),
                    ("unusual", "Unusual access"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunSQL(sql=WALLS, reverse_sql=UNDO),
    ]
