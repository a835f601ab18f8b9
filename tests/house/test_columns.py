"""Every column of every table is declared: sealed, lookup, pseudonym or plain. An undeclared one fails."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from casework.crypto.fields import sealed_fields
from tests import cast

KINDS = {"sealed", "lookup", "pseudonym", "plain"}
DECLARED = tomllib.loads((Path(__file__).parent / "columns.toml").read_text(encoding="utf-8"))


def _tables():
    return {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label != "sealed_app"
    }


class TestEveryColumn:
    def test_is_declared_exactly_once(self):
        wrong = {}
        for table, model in _tables().items():
            columns = sorted(field.column for field in model._meta.concrete_fields if field.column)
            declared = sorted(column for columns in DECLARED.get(table, {}).values() for column in columns)
            if columns != declared:
                wrong[table] = set(columns) ^ set(declared)
        assert wrong == {}
        assert set(DECLARED) == set(_tables())
        assert {kind for kinds in DECLARED.values() for kind in kinds} <= KINDS

    def test_declared_sealed_is_a_sealed_field_or_named_ciphertext(self):
        # Ciphertexts that are no fields of ours: wraps, bodies of the trail, file keys, second factors.
        others = {
            ("audit_entry", "body"),
            ("crypto_kek", "blob"),
            ("crypto_keywrap", "blob"),
            ("documents_document", "file_key"),
            ("documents_historicaldocument", "file_key"),
            ("mfa_authenticator", "data"),
        }
        for table, model in _tables().items():
            ours = {field.column for field in sealed_fields(model)}
            for column in DECLARED[table].get("sealed", []):
                assert column in ours or (table, column) in others, f"{table}.{column}"
            assert ours <= set(DECLARED[table].get("sealed", [])), table

    @pytest.mark.django_db
    def test_declared_plain_holds_no_word_of_a_case(self, people):
        case_id = cast.open_a_case(people)
        words = ("Testov", "Тестов", "Synthetic", "military", "messenger", "1994-05-17")
        with cast.acting(people.wanda), connection.cursor() as cursor:
            for table in ("cases_case", "cases_person", "cases_historicalcase", "cases_historicalperson"):
                plain = ", ".join(f'"{column}"::text' for column in DECLARED[table].get("plain", []))
                cursor.execute(f"SELECT concat_ws(' ', {plain}) FROM {table}")
                stored = " ".join(row[0] for row in cursor.fetchall())
                assert not any(word in stored for word in words), (table, case_id)
