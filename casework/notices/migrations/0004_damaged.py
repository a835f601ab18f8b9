from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0003_kinds"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("limit", "A time limit needs attention"),
                    ("correction", "The date of a time limit has changed"),
                    ("rules", "Time limits of a case moved when all were computed again"),
                    ("damaged", "A record was changed outside the application"),
                ],
                max_length=16,
            ),
        ),
    ]
