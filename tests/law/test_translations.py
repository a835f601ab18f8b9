"""Every language says everything that English says, in its own forms, and nothing falls back on English unseen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from casework.law import changes, derive, facts, packs, reference, wording
from casework.law.calendars import DUBLIN_STATES
from casework.law.counting import Period
from casework.law.types import Procedure
from tests.law.cases import case_from, day
from tests.law.scenarios import NOTES, SCENARIOS

FOLDER = Path(wording.__file__).parent
LANGUAGES = ("de", "fr", "ru")

FORMS = re.compile(r"(state|weekday|period)-[a-z]+\.|citation\.")
"""Tables that a language adds for its own grammar; the text before the dash is the table whose words they inflect."""

OWN_KEYS = re.compile(r"format\.day-\d+|period\.[a-z-]+-few")
"""Keys that a language adds beside those of English: a day said otherwise, a form of the plural."""

THE_SAME = {
    "de": {"choice.eurodac", "month.4", "month.8", "month.9", "month.11", "state.LI", "state.MT", "state.PT"},
    "fr": {"choice.eurodac", "format.date"},
    "ru": {"format.date-time"},
}
"""Texts that may equal the English ones: names and words that the two languages share."""

WITHOUT_CYRILLIC = {"format.date-time", "change.quoted"}
"""Russian texts that hold nothing but gaps and marks."""

ENGLISH = re.compile(
    r"\b(the|of|by|and|until|law|act|sentence|extension|ruling|Regulation|Directive|January|February|March|June|July|"
    r"October|December)\b"
)
"""Words by which a text that fell back on English gives itself away; names of holidays come so, in brackets."""

CASES = [(s.rule, s.facts, s.country, s.more, (s.met, s.late, s.stopped, *s.superseded)) for s in SCENARIOS] + [
    (n.rule, n.facts, str(dict(n.more).get("country", "FR")), {k: v for k, v in n.more.items() if k != "country"}, ())
    for n in NOTES
]


RULES = [case[0] for case in CASES]


def gaps(text: str) -> dict[str, str]:
    """Return the gaps of a message with their forms."""
    return {name: form or "" for _, name, form, _ in Formatter().parse(text) if name is not None}


def parts(lang: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return the files of a language as they are written."""
    return {path.name: tomllib.loads(path.read_text("utf-8")) for path in sorted((FOLDER / lang).glob("*.toml"))}


def sentences(procedure: Procedure) -> Iterator[str]:
    """Yield every text that a reader sees in their language."""
    yield from procedure.warnings
    for limit in procedure.deadlines:
        yield from (limit.label, limit.on_expiry, *limit.because)
    for question in procedure.questions:
        yield from (question.label, question.text)


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestEveryLanguage:
    """French, Russian and German stand beside English, complete."""

    def test_is_tried_here(self) -> None:
        assert wording.languages() == tuple(sorted(("en", *LANGUAGES)))

    def test_has_every_message_of_english_and_none_beyond(self, lang: str) -> None:
        own = {key for key in wording.written_in(lang) if not FORMS.match(key) and not OWN_KEYS.fullmatch(key)}
        english = set(wording.written_in("en"))
        assert (english - own, own - english) == (set(), set())

    def test_keeps_the_parts_of_english(self, lang: str) -> None:
        def places(of: str) -> set[tuple[str, str, str]]:
            return {
                (part, table, key) for part, tables in parts(of).items() for table in tables for key in tables[table]
            }

        own = {place for place in places(lang) if not FORMS.match(f"{place[1]}.") and place[1] != "period"}
        assert own - places("en") <= {("core.toml", "format", "day-1")}

    @pytest.mark.parametrize("which", ["en", *LANGUAGES])
    def test_says_nothing_twice(self, which: str) -> None:
        keys = [
            f"{table}.{key}" for tables in parts(which).values() for table, texts in tables.items() for key in texts
        ]
        assert sorted(key for key in set(keys) if keys.count(key) > 1) == []

    def test_has_the_same_gaps(self, lang: str) -> None:
        english, own = wording.written_in("en"), wording.written_in(lang)
        differing = {key for key in english if key in own and gaps(english[key]).keys() != gaps(own[key]).keys()}
        assert differing == set()

    def test_has_the_forms_that_its_gaps_ask_for(self, lang: str) -> None:
        own = wording.written_in(lang)
        for key, text in own.items():
            for name, form in gaps(text).items():
                if name.endswith("state") or name == "country":
                    assert not form or f"state-{form}._" in own, (key, form)
                elif name.endswith("weekday"):
                    assert not form or f"weekday-{form}.1" in own, (key, form)
                elif form and form != "cap":
                    case = form.partition(".")[2] if name == "days" else form
                    assert not case or f"period-{case}.day-one" in own, (key, form)

    def test_has_each_form_of_each_word(self, lang: str) -> None:
        core = parts(lang)["core.toml"]
        for table in core:
            base, _, form = table.partition("-")
            if form and base in core:
                beyond = {"_", "other", "stay"} if base == "state" else set()
                assert core[table].keys() == core[base].keys() | beyond, table

    def test_has_no_form_that_nothing_asks_for(self, lang: str) -> None:
        own = wording.written_in(lang)
        asked = {form.rpartition(".")[2] for text in own.values() for form in gaps(text).values()}
        assert {table.partition("-")[2] for table in parts(lang)["core.toml"] if FORMS.match(f"{table}.")} - {
            ""
        } <= asked

    def test_says_nothing_in_english(self, lang: str) -> None:
        english, own = wording.written_in("en"), wording.written_in(lang)
        assert {key for key in english if own.get(key) == english[key]} == THE_SAME[lang]

    def test_ends_its_sentences_where_english_does(self, lang: str) -> None:
        english, own = wording.written_in("en"), wording.written_in(lang)
        marks = (".", ":", "?")
        assert [k for k in english if k in own and english[k].endswith(marks) and english[k][-1] != own[k][-1]] == []
        assert [k for k in english if k in own and own[k].endswith(marks) and english[k][-1] != own[k][-1]] == [
            key for key in ("format.date",) if lang == "ru"
        ]

    def test_names_every_state(self, lang: str) -> None:
        words = wording.words_for(lang)
        for code in DUBLIN_STATES:
            assert words.state(code) != code


class TestTypography:
    """Marks stand as each language sets them."""

    def test_russian_is_written_in_cyrillic(self) -> None:
        latin = [key for key, text in wording.written_in("ru").items() if not re.search("[а-яё]", text, re.I)]
        names = {key for key in latin if key.startswith(("citation.", "state-"))}
        assert {key for key in latin if key not in names} == WITHOUT_CYRILLIC
        assert {key for key in names if not key.endswith("._")} == set()

    def test_no_russian_word_mixes_its_letters_with_latin_ones(self) -> None:
        for key, text in wording.written_in("ru").items():
            bare = re.sub(r"\{[^}]*\}", " ", text)
            assert not re.search("[a-z][а-яё]|[а-яё][a-z]", bare, re.I), key

    def test_french_marks_have_a_narrow_space_that_does_not_break(self) -> None:
        for key, text in wording.written_in("fr").items():
            bare = re.sub(r"\{[^}]*\}", "x", text)
            assert not re.search("[^\u202f:;?!»][:;?!»]|«[^\u202f]", bare), key
            assert "'" not in bare, key

    def test_quotations_open_and_close_as_the_language_does(self, lang: str) -> None:
        opening, closing = {"de": ("„", "“"), "fr": ("«", "»"), "ru": ("«", "»")}[lang]
        for key, text in wording.written_in(lang).items():
            assert text.count(opening) == text.count(closing), key
            assert not set(text) & (set("\"'„“”«»") - {opening, closing}), key

    def test_no_text_holds_two_spaces_or_begins_with_one(self, lang: str) -> None:
        for key, text in wording.written_in(lang).items():
            assert "  " not in text, key
            assert text == text.strip() or key.startswith(("citation.", "rules.")), key


class TestDatesAndPlurals:
    """Dates, weekdays and lengths in words, by example."""

    @pytest.mark.parametrize(
        ("lang", "first", "ninth"),
        [
            ("de", "1. September 2026", "9. September 2026"),
            ("fr", "1er septembre 2026", "9 septembre 2026"),
            ("ru", "1 сентября 2026 г.", "9 сентября 2026 г."),
        ],
    )
    def test_a_date(self, lang: str, first: str, ninth: str) -> None:
        words = wording.words_for(lang)
        assert (words.day(day("2026-09-01")), words.day(day("2026-09-09"))) == (first, ninth)

    @pytest.mark.parametrize(
        ("lang", "said"),
        [
            ("de", "10. September 2026, 09:05 Uhr"),
            ("fr", "10 septembre 2026 à 09:05"),
            ("ru", "10 сентября 2026 г., 09:05"),
        ],
    )
    def test_a_date_with_its_hour(self, lang: str, said: str) -> None:
        moment = datetime(2026, 9, 10, 9, 5, tzinfo=ZoneInfo("Europe/Paris"))
        assert wording.words_for(lang).day(moment) == said

    @pytest.mark.parametrize(("lang", "name"), [("de", "Freitag"), ("fr", "vendredi"), ("ru", "пятница")])
    def test_a_weekday(self, lang: str, name: str) -> None:
        assert wording.words_for(lang).weekday(day("2026-09-11")) == name

    def test_a_russian_weekday_in_its_case(self) -> None:
        words = wording.words_for("ru")
        assert [words.weekday(day(f"2026-09-{n:02}"), "on") for n in (8, 9, 11)] == [
            "во вторник",
            "в среду",
            "в пятницу",
        ]

    @pytest.mark.parametrize(
        ("lang", "unit", "form", "said"),
        [
            ("ru", "day", "", "1 день, 2 дня, 5 дней, 11 дней, 21 день, 22 дня, 111 дней"),
            ("ru", "day", "gen", "1 дня, 2 дней, 5 дней, 11 дней, 21 дня, 22 дней, 111 дней"),
            ("ru", "week", "", "1 неделя, 2 недели, 5 недель, 11 недель, 21 неделя, 22 недели, 111 недель"),
            ("ru", "year", "", "1 год, 2 года, 5 лет, 11 лет, 21 год, 22 года, 111 лет"),
            ("fr", "day", "", "1 jour, 2 jours, 5 jours, 11 jours, 21 jours, 22 jours, 111 jours"),
            ("fr", "month", "", "1 mois, 2 mois, 5 mois, 11 mois, 21 mois, 22 mois, 111 mois"),
            ("de", "day", "", "1 Tag, 2 Tage, 5 Tage, 11 Tage, 21 Tage, 22 Tage, 111 Tage"),
            ("de", "day", "dat", "1 Tag, 2 Tagen, 5 Tagen, 11 Tagen, 21 Tagen, 22 Tagen, 111 Tagen"),
            ("de", "working day", "", "1 Arbeitstag, 2 Arbeitstage, 5 Arbeitstage, 11 Arbeitstage, 21 Arbeitstage, "
             "22 Arbeitstage, 111 Arbeitstage"),
        ],
    )  # fmt: skip
    def test_a_length(self, lang: str, unit: str, form: str, said: str) -> None:
        words = wording.words_for(lang)
        assert ", ".join(words.period(Period(n, unit), form) for n in (1, 2, 5, 11, 21, 22, 111)) == said


class TestStates:
    """A state's name in the form that the sentence needs."""

    @pytest.mark.parametrize(
        ("lang", "form", "said"),
        [
            ("fr", "", "la France, le Portugal, les Pays-Bas, Malte, XZ, l’autre État"),
            ("fr", "de", "de la France, du Portugal, des Pays-Bas, de Malte, de XZ, de l’autre État"),
            ("fr", "a", "à la France, au Portugal, aux Pays-Bas, à Malte, à XZ, à l’autre État"),
            ("fr", "en", "en France, au Portugal, aux Pays-Bas, à Malte, en XZ, dans l’autre État"),
            ("de", "", "Frankreich, Portugal, die Niederlande, Malta, XZ, der andere Staat"),
            ("de", "gen", "Frankreichs, Portugals, der Niederlande, Maltas, von XZ, des anderen Staates"),
            ("de", "dat", "Frankreich, Portugal, den Niederlanden, Malta, XZ, dem anderen Staat"),
            ("de", "to", "nach Frankreich, nach Portugal, in die Niederlande, nach Malta, nach XZ, "
             "in den anderen Staat"),
            ("ru", "", "Франция, Португалия, Нидерланды, Мальта, XZ, другое государство"),
            ("ru", "gen", "Франции, Португалии, Нидерландов, Мальты, XZ, другого государства"),
            ("ru", "dat", "Франции, Португалии, Нидерландам, Мальте, XZ, другому государству"),
            ("ru", "ins", "Францией, Португалией, Нидерландами, Мальтой, XZ, другим государством"),
            ("ru", "loc", "во Франции, в Португалии, в Нидерландах, на Мальте, в XZ, в другом государстве"),
            ("ru", "to", "во Францию, в Португалию, в Нидерланды, на Мальту, в XZ, в другое государство"),
        ],
    )  # fmt: skip
    def test_in_each_form(self, lang: str, form: str, said: str) -> None:
        words = wording.words_for(lang)
        assert ", ".join(words.state(code, form) for code in ("FR", "PT", "NL", "MT", "XZ", None)) == said

    def test_begin_a_sentence_with_a_capital(self) -> None:
        said = wording.render("expiry.silence-confirms", "en", state="NL")
        assert said.endswith("by the Netherlands.")
        assert wording.render("because.silent-acceptance", "en", state="NL", due=day("2026-09-01")).startswith(
            "The Neth"
        )
        assert wording.render("event.take-back-accepted", "en", state="NL").startswith("the Netherlands")

    def test_are_put_in_form_also_where_only_their_place_is_said(self) -> None:
        words = wording.words_for("de")
        assert words.say("expiry.no-shift") == words.say("expiry.no-shift", {"country": "FR"})
        said = words.say("expiry.chance-to-apply", {"country": words.say("table.country")})
        assert "in dem Aufenthaltsstaat" in said

    @pytest.mark.parametrize(
        ("lang", "said"),
        [
            ("de", "Art. 29(2) Verordnung (EU) Nr. 604/2013; Art. 9(2) Verordnung (EG) Nr. 1560/2003; C-163/17 Jawo"),
            (
                "fr",
                "art. 29(2) du règlement (UE) n° 604/2013\u202f; art. 9(2) du règlement (CE) n° 1560/2003\u202f; "
                "C-163/17 Jawo",
            ),
            ("ru", "ст. 29(2) Регламента (ЕС) № 604/2013; ст. 9(2) Регламента (ЕС) № 1560/2003; C-163/17 Jawo"),
        ],
    )
    def test_the_names_of_acts_are_said_too(self, lang: str, said: str) -> None:
        cited = "Art. 29(2) Regulation (EU) No 604/2013; Art. 9(2) Regulation (EC) No 1560/2003; C-163/17 Jawo"
        assert wording.words_for(lang).basis(cited) == said


class TestEveryMessage:
    """Each message can be said: with what the engine puts into its gaps, and in the cases of every rule."""

    @pytest.mark.parametrize("state", ["NL", "CH", "XZ", None])
    def test_is_said_without_a_brace_or_a_double_stop(self, lang: str, state: str | None) -> None:
        words = wording.words_for(lang)
        for key, text in wording.written_in(lang).items():
            params = {"state": state, **{name: _example(name, state) for name in gaps(text)}}
            if key.startswith(("period", "format.", "state-")):
                continue
            said = words.say(key, params)
            assert not re.search(r"[{}]|\.\.|  ", said), (key, said)

    @pytest.mark.parametrize(("lines", "country", "more", "further"), [case[1:] for case in CASES], ids=RULES)
    def test_is_said_in_the_case_of_every_rule(
        self, lines: str, country: str, more: dict[str, object], further: tuple[str, ...]
    ) -> None:
        for extra in ("", *further):
            case = case_from(f"{lines}\n{extra}", country=country, **more)
            for lang in LANGUAGES:
                for on in (case.facts[0].on, date(2030, 1, 1)):
                    for text in sentences(derive.procedure(case, on=on, lang=lang)):
                        _check(text)

    @pytest.mark.parametrize(("lines", "country", "more"), [case[1:4] for case in CASES], ids=RULES)
    def test_tells_what_would_change(self, lines: str, country: str, more: dict[str, object]) -> None:
        case = case_from(lines, country=country, **more)
        on = case.facts[-1].on
        for lang in LANGUAGES:
            told = changes.would_change(case, derive.procedure(case, on=on, lang=lang), on=on, lang=lang)
            for text in (text for texts in told.values() for text in texts):
                _check(text)

    def test_puts_every_rule_in_words(self, lang: str) -> None:
        for entry in reference.entries(lang):
            for text in (
                entry.instrument,
                entry.label,
                entry.length,
                *(part for pair in entry.details for part in pair),
            ):
                _check(text)

    def test_names_no_act_in_english(self, lang: str) -> None:
        words = wording.words_for(lang)
        for rule in packs.load():
            assert not ENGLISH.search(words.basis(rule.legal_basis)), rule.id

    def test_of_the_vocabulary_has_words(self, lang: str) -> None:
        own = wording.written_in(lang)
        for kind in facts.VOCABULARY.values():
            assert f"event.{kind.name}" in own
            assert kind.label in own
            for member in kind.members:
                assert all(f"choice.{choice}" in own for choice in member.choices)


def _check(text: str) -> None:
    assert not re.search(r"[{}]|\.\.|\b(because|event|fact|label|expiry)\.[a-z]", text), text
    assert not ENGLISH.search(re.sub(r"\([^()]*\)", "", text)), text


def _example(name: str, state: str | None) -> object:
    if name.endswith("state") or name == "country":
        return state
    if name in ("on", "due", "start", "today", "earliest", "latest") or name.endswith(("strict", "rolled", "weekday")):
        return date(2026, 9, 11)
    if name in ("period", "printed", "shortest", "longest"):
        return Period(5, "day")
    if name == "days":
        return 21
    known = {
        "event": "event.take-back-accepted", "fact": "fact.take-back-accepted", "rule": "label.ammr-transfer-6m",
        "status": "stage.accepted", "clause": "change.if-take-back-confirmed", "condition": "condition.urgent",
        "basis": "Art. 29(1)-(2) Regulation (EU) No 604/2013",
    }  # fmt: skip
    return known.get(name, "abc")
