"""Plain columns with the indexes of the real tables. No history, no row-level security."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class Case(models.Model):
    id = models.UUIDField(primary_key=True)
    reference = models.CharField(max_length=9, unique=True)
    state = models.CharField(max_length=8)
    country = models.CharField(max_length=2)
    regime = models.CharField(max_length=16, blank=True)
    stage = models.CharField(max_length=32, blank=True)
    responsible_state = models.CharField(max_length=2, blank=True)
    next_due_on = models.DateField(null=True)
    next_due_rule = models.CharField(max_length=64, blank=True)
    detained = models.BooleanField()
    risk_level = models.CharField(max_length=8)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True)
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    title = models.TextField()
    summary = models.TextField()
    safe_contact = models.JSONField()
    access_notes = models.TextField()
    grounds = models.JSONField()
    search = models.JSONField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "next_due_on", "id"], name="plain_case_due_idx")]


class Word(models.Model):
    """What an indexed lookup needs: every word of the names in lower case, and numbers, with the birth date beside."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    word = models.CharField(max_length=100)
    born = models.DateField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["word", "born"], name="plain_word_idx")]


class Person(models.Model):
    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="people")
    relation = models.CharField(max_length=12)
    name_original = models.TextField()
    name_latin = models.TextField()
    birth_on = models.DateField(null=True)
    birth_estimated = models.BooleanField()
    gender = models.TextField()
    nationalities = models.JSONField()
    languages = models.JSONField()
    particulars = models.JSONField()


class UserGrant(models.Model):
    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    level = models.SmallIntegerField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "case"], include=["until"], name="plain_usergrant_idx")]


class GroupGrant(models.Model):
    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    level = models.SmallIntegerField()
    until = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["group", "case"], include=["until"], name="plain_groupgrant_idx")]


class Fact(models.Model):
    id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField(null=True)
    content = models.JSONField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["case", "recorded_at"], name="plain_fact_case_idx")]
