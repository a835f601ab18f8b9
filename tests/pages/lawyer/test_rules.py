"""The rules, where a lawyer can check us: every entry of the packs, by words, instrument and confidence."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from casework.law import packs, wording


def _without_language(page: str, lang: str) -> str:
    """Return a page without the elements that are marked as being in `lang`, from the innermost outwards."""
    return re.sub(rf'<(\w+)[^>]*\slang="{lang}"[^>]*>.*?</\1>', "", page[page.index("<main") :], flags=re.DOTALL)


class TestTheRules:
    """Every rule with its article, its link and how sure we are."""

    def test_are_counted_by_instrument_and_confidence(self, visit):
        page = visit("lev").get("/rules/").content.decode()
        for regime in {rule.regime for rule in packs.load()}:
            assert f'href="?instrument={regime}&amp;lang=en"' in page
        counts = Counter(rule.confidence for rule in packs.load() if rule.regime == "ammr")
        row = page[page.index("instrument=ammr") :]
        numbers = re.findall(r">(\d+)</td>", row[: row.index("</tr>")])
        assert [int(number) for number in numbers] == [
            sum(counts.values()),
            *(counts[confidence] for confidence in packs.CONFIDENCES),
        ]

    def test_show_one_whole(self, visit):
        page = visit("lev").get("/rules/?q=ammr-transfer-absconded-3y").content.decode()
        rule = packs.by_id()["ammr-transfer-absconded-3y"]
        assert 'id="ammr-transfer-absconded-3y"' in page
        assert 'id="ammr-transfer-6m"' not in page
        assert "3 years" in page
        assert f'href="{rule.source}"' in page
        assert rule.legal_basis in page
        assert "Lengthens" in page

    @pytest.mark.parametrize(
        ("query", "found", "missing"),
        [
            ("q=ABSCONDING+2024/1351", "ammr-transfer-absconded-3y", "dublin3-transfer-absconded-18m"),
            ("instrument=dublin3", "dublin3-transfer-6m", "ammr-transfer-6m"),
            ("confidence=likely", "dublin3-stay-5m", "ammr-transfer-6m"),
            ("instrument=ammr&confidence=verified&q=Art.+46", "ammr-transfer-6m", "ammr-appeal"),
        ],
    )
    def test_are_found(self, visit, query, found, missing):
        page = visit("lev").get(f"/rules/?{query}").content.decode()
        assert f'id="{found}"' in page
        assert f'id="{missing}"' not in page

    def test_are_shown_in_every_language_that_has_words(self, visit):
        lev = visit("lev")
        for lang in wording.languages():
            page = lev.get(f"/rules/?q=ammr-transfer-6m&lang={lang}").content.decode()
            assert wording.render("regime.ammr", lang) in page
            assert wording.render("rules.starts", lang) in page

    def test_say_so_when_nothing_is_found(self, visit):
        page = visit("lev").get("/rules/?q=unicorn").content.decode()
        assert "No rule found" in page
        assert 'value="unicorn"' in page

    def test_an_unknown_instrument_is_refused_beside_the_field(self, visit):
        response = visit("lev").get("/rules/?instrument=moon&q=appeal")
        assert response.status_code == 200
        page = response.content.decode()
        assert "Select a valid choice" in page.split('id="id_instrument_error"')[1].split("</div>")[0]
        assert 'value="appeal"' in page
        assert 'href="?instrument=ammr&amp;lang=en"' in page

    def test_too_many_words_are_refused_beside_the_field_and_the_instruments_stay(self, visit):
        page = visit("lev").get("/rules/", {"q": "a" * 101}).content.decode()
        assert 'id="id_q_error"' in page
        for regime in {rule.regime for rule in packs.load()}:
            assert f'href="?instrument={regime}&amp;lang=en"' in page

    def test_mark_the_language_of_the_laws_words_alone(self, visit):
        page = visit("lev").get("/rules/?q=ammr-transfer-6m&lang=ru").content.decode()
        entry = page[page.index('<section>\n        <h2 lang="ru">') :]
        checked = entry[entry.index("<dt>Checked on</dt>") :].split("</div>")[0]
        assert re.search(r"\d{1,2} [A-Z][a-z]+ \d{4}", checked)
        assert page.count("<dt>Checked on</dt>") == page.count("<div><dt>") == page.count("rule-entry")
        assert re.findall(r"<(\w+)[^>]*>[^<]*[а-яё]", _without_language(page, "ru"), re.IGNORECASE) == []

    def test_take_no_query_of_the_rules_from_the_database(self, visit, django_assert_max_num_queries):
        lev = visit("lev")
        lev.get("/rules/")
        with django_assert_max_num_queries(8):
            lev.get("/rules/?instrument=ammr")
