"""The words for codes."""

from __future__ import annotations

import pytest

from casework.desk import labels
from casework.desk.selectors._board import column_of
from casework.law import packs
from casework.law.facts import GROUPS, VOCABULARY


class TestLabels:
    """Nothing reaches a page as a code."""

    @pytest.mark.parametrize("rule", [rule.id for rule in packs.load()])
    def test_every_rule_has_words(self, rule):
        assert labels.rule(rule) != rule

    @pytest.mark.parametrize("rule", ["set-by-court", "set-by-authority", "appointment-hearing", "appointment-medical"])
    def test_what_others_set_has_words(self, rule):
        assert labels.rule(rule) != rule

    @pytest.mark.parametrize("stage", labels.STAGES)
    def test_every_stage_has_words_and_stands_in_one_column(self, stage):
        assert labels.stage(stage) != stage
        assert sum(stage in stages for _name, _label, stages in labels.BOARD_COLUMNS) == 1
        assert column_of(stage) in {name for name, _label, _stages in labels.BOARD_COLUMNS}

    def test_every_group_of_facts_is_named(self):
        assert [name for name, _label in labels.groups()] == list(GROUPS)
        assert all(label != name for name, label in labels.groups())

    @pytest.mark.parametrize("stage", sorted(labels.NEXT_FACTS))
    def test_only_known_facts_are_proposed(self, stage):
        assert set(labels.NEXT_FACTS[stage]) <= set(VOCABULARY)

    def test_a_medical_appointment_is_no_ground_of_absconding(self):
        assert labels.choice("kind", "medical") == "Medical appointment"
        assert labels.choice("ground", "medical") != "Medical appointment"

    @pytest.mark.parametrize(("days", "tone"), [(0, "danger"), (2, "danger"), (3, "warn"), (7, "warn"), (8, "info")])
    def test_the_tone_follows_the_days_left(self, days, tone):
        assert labels.due_tone(days) == tone

    @pytest.mark.parametrize(
        ("text", "words"),
        [("2026-09-01", "1 September 2026"), ("2026-09-01T17:40:00+02:00", "1 September 2026, 17:40")],
    )
    def test_moments_have_their_month_in_words_and_keep_their_zone(self, text, words):
        assert labels.moment(text) == words
