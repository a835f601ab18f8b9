"""The finished file: its pages, its stamps, its links, and what must not be in it."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Name

from casework.printing import dossier, typeset
from casework.printing.types import Dossier, Entry, Limit, Party, Trouble
from tests.printing.printing_samples import (
    A4_WIDE,
    LABELS,
    dossier_data,
    everything,
    exhibit,
    hostile,
    outline_pages,
    pdf,
    picture,
    saved,
    words_on,
)


def opened(made: Dossier) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(made.pdf))


def words_of(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Collect the values that reach the dossier's template."""
    seen: list[dict[str, object]] = []
    typeset_as_it_is = typeset.typeset

    def listen(*, template: str, values: object) -> bytes:
        if isinstance(values, dict):
            seen.append(json.loads(json.dumps(values)))
        return typeset_as_it_is(template=template, values=values)

    monkeypatch.setattr(typeset, "typeset", listen)
    return seen


class TestDossier:
    """One file, numbered through, with each exhibit where the list says."""

    def test_holds_every_page_of_every_exhibit_in_order(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf(3)), exhibit("2", pdf(2)), exhibit("3", pdf(1))])
        first, second, third = made.manifest.entries
        assert [entry.last_page - entry.first_page + 1 for entry in made.manifest.entries] == [3, 2, 1]
        assert second.first_page == first.last_page + 1
        assert third.first_page == second.last_page + 1
        assert third.last_page == made.page_count == len(opened(made).pages)

    def test_draws_each_foreign_page_on_the_page_of_its_own(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf(3))])
        [entry] = made.manifest.entries
        with opened(made) as file:
            drawn = [
                file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"].read_bytes()
                for page in range(entry.first_page, entry.last_page + 1)
            ]
        assert [f"UP page {number}".encode() in content for number, content in enumerate(drawn, start=1)] == [True] * 3

    def test_bookmarks_lead_to_sections_and_exhibits_and_tell_the_page(self) -> None:
        made = dossier.build(
            dossier_data(), [exhibit("1", pdf(3), title="Certificate {page}"), exhibit("2", b"", "audio/wav")]
        )
        one, two = made.manifest.entries
        with opened(made) as file:
            pages = outline_pages(file)
        assert pages[f"Exhibits (p. {one.first_page})"] == one.first_page
        assert f"Exhibit 1 · Certificate {{page}} (p. {one.first_page})" in pages
        assert pages[f"Exhibit 2 · A paper (p. {two.first_page})"] == two.first_page
        assert {title.rpartition(" (")[0] for title in pages} >= {
            LABELS.procedure,
            LABELS.parties,
            LABELS.chronology,
            LABELS.limits,
            LABELS.exhibit_list,
        }

    def test_links_of_the_list_lead_to_the_first_page_of_each_exhibit(self) -> None:
        made = dossier.build(dossier_data(), [exhibit(str(number), pdf(2)) for number in range(1, 6)])
        with opened(made) as file:
            list_page = outline_pages(file)[next(title for title in outline_pages(file) if title.startswith("List of"))]
            targets = Counter(
                file.pages.index(pikepdf.Page(_destination(file, link)[0])) + 1
                for link in file.pages[list_page - 1].obj.Annots
            )
        number_title_and_page = 3
        assert targets == {entry.first_page: number_title_and_page for entry in made.manifest.entries}

    def test_prints_the_pages_that_the_manifest_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = words_of(monkeypatch)
        source = pdf(2)
        made = dossier.build(dossier_data(), [exhibit("1", source)])
        [entry] = made.manifest.entries
        listed = seen[-1]["exhibits"]
        assert isinstance(listed, list)
        assert listed[0]["sha256"] == entry.sha256 == hashlib.sha256(source).hexdigest()
        assert made.manifest.sha256 == hashlib.sha256(made.pdf).hexdigest()

    def test_stamps_every_page_with_its_number(self) -> None:
        made = dossier.build(
            dossier_data(),
            [exhibit("1", pdf(4)), exhibit("2", b"", "audio/wav"), exhibit("3", b"x\n" * 80, "text/plain")],
        )
        with opened(made) as file:
            for number, page in enumerate(file.pages, start=1):
                assert f"Page {number} / {made.page_count}" in words_on(page)

    def test_stamps_every_page_of_an_exhibit_with_its_place_in_the_exhibit(self) -> None:
        made = dossier.build(
            dossier_data(),
            [exhibit("K1", pdf(3)), exhibit("2", b"x\n" * 80, "text/plain"), exhibit("3", pdf(1, size=A4_WIDE))],
        )
        with opened(made) as file:
            for entry in made.manifest.entries:
                count = entry.last_page - entry.first_page + 1
                for place in range(count):
                    stamp = f"Exhibit {entry.number} · page {place + 1} of {count}"
                    assert stamp in words_on(file.pages[entry.first_page - 1 + place])

    def test_lists_each_exhibit_with_its_fingerprint_and_first_page(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf(3)), exhibit("2", pdf(2))])
        with opened(made) as file:
            listed = words_on(file.pages[made.manifest.entries[0].first_page - 2])
        for entry in made.manifest.entries:
            assert f"SHA-256 {entry.sha256}" in listed
            assert str(entry.first_page) in listed

    def test_keeps_the_stamp_and_the_exhibit_apart(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf())])
        with opened(made) as file:
            contents = file.pages[made.page_count - 1].obj.Contents
            assert len(contents) == 2
            assert contents[0].read_bytes().split()[-3:] == [b"/CaseworkExhibit", b"Do", b"Q"]

    def test_is_the_same_for_the_same_input(self) -> None:
        exhibits = [exhibit("1", pdf(2)), exhibit("2", picture("PNG"), "image/png")]
        made = dossier.build(dossier_data(), exhibits)
        assert made.pdf == dossier.build(dossier_data(), exhibits).pdf
        with opened(made) as file, opened(dossier.build(dossier_data(reference="OTHER"), exhibits)) as other:
            assert bytes(file.trailer.ID[0]) != bytes(other.trailer.ID[0])
            assert bytes(file.trailer.ID[1]) == bytes(other.trailer.ID[1]), "a date or chance went into the identifier"

    def test_without_exhibits_is_a_file_all_the_same(self) -> None:
        made = dossier.build(dossier_data(parties=(), chronology=(), limits=()), [])
        assert made.page_count == len(opened(made).pages) >= 3
        assert made.manifest.entries == ()

    def test_refuses_two_exhibits_of_one_number(self) -> None:
        with pytest.raises(ValueError, match="number of its own"):
            dossier.build(dossier_data(), [exhibit("1", pdf()), exhibit("1", pdf())])

    def test_refuses_an_exhibit_without_a_number(self) -> None:
        with pytest.raises(ValueError, match="number of its own"):
            dossier.build(dossier_data(), [exhibit("", pdf())])

    def test_does_not_show_its_bytes_when_printed_for_a_log(self) -> None:
        assert "PDF" not in repr(dossier.build(dossier_data(), []))


class TestTraces:
    """What a court or a thief must not learn from the file."""

    def test_names_no_author_program_or_date_and_has_the_reference_as_title(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf())])
        with opened(made) as file:
            assert dict(file.docinfo.items()) == {"/Title": "K7Q2-M4XD"}
            assert Name.Metadata not in file.Root
            assert "Typst" not in everything(file)

    def test_claims_no_archival_standard(self) -> None:
        with opened(dossier.build(dossier_data(), [exhibit("1", pdf())])) as file:
            assert "pdfaid" not in everything(file)
            assert Name.OutputIntents not in file.Root

    def test_carries_nothing_that_acts_or_calls_out(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", pdf(2, change=hostile))])
        with opened(made) as file:
            dump = everything(file)
            assert file.attachments == {}
            for page in file.pages[made.manifest.entries[0].first_page - 1 :]:
                assert Name.Annots not in page.obj
        assert [
            word for word in ("acted", "JavaScript", "Launch", "EmbeddedFile", "XFA", "OpenAction") if word in dump
        ] == []
        assert "UP page 2" in dump

    def test_makes_no_link_of_an_address_that_is_not_https(self) -> None:
        limit = dossier_data().limits[0]
        changed = Limit(
            label=limit.label,
            due=limit.due,
            state=limit.state,
            state_text=limit.state_text,
            whose=limit.whose,
            legal_basis=limit.legal_basis,
            source="javascript:alert(1)",
        )
        with opened(dossier.build(dossier_data(limits=(changed,)), [])) as file:
            assert "alert" not in everything(file)

    def test_links_the_article_to_its_source(self) -> None:
        with opened(dossier.build(dossier_data(), [])) as file:
            assert "https://eur-lex.europa.eu/eli/reg/2024/1351/oj" in everything(file)


class TestTypedText:
    """Words that a person typed are letters, whatever they look like."""

    MARKUP = '#panic() $x$ @ref *bold* _it_ `raw` \\ " \' <label> = head {page} // /* #include "/etc/passwd" [x] #"'

    def test_never_acts_as_markup(self) -> None:
        text = self.MARKUP
        data = dossier_data(
            reference=text,
            title=text,
            organisation=text,
            purpose=text,
            notice=text,
            parties=(Party(relation=text, name=text, particulars=((text, text),)),),
            chronology=(Entry(dated=text, what=text, particulars=text, certainty=text, exhibits=(text,)),),
        )
        made = dossier.build(data, [exhibit("1", pdf(), title=text), exhibit("2", text.encode(), "text/plain")])
        with opened(made) as file:
            assert str(file.docinfo.Title) == text
            assert f"Exhibit 1 · {text}" in " ".join(outline_pages(file))

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=st.text(max_size=200))
    def test_of_any_kind_makes_a_file(self, text: str) -> None:
        data = dossier_data(title=text, notice=text, chronology=(Entry(dated=text, what=text),))
        made = dossier.build(data, [exhibit("1", text.encode("utf-8", "replace"), "text/plain", title=text)])
        assert made.page_count >= 4

    def test_may_be_missing_where_a_link_would_stand(self) -> None:
        limit = Limit(
            label=" ", due="", state="", state_text="", whose="", legal_basis="\u00ad", source="https://example.org"
        )
        entry = Entry(dated="", what="", exhibits=("\u200b", " "))
        data = dossier_data(limits=(limit,), chronology=(entry,))
        assert dossier.build(data, [exhibit("\u200b", pdf(), title="\u00ad")]).page_count > 1

    def test_may_be_longer_than_a_page_without_running_off_it(self) -> None:
        limit = dossier_data().limits[0]
        long = Limit(
            label=limit.label,
            due=limit.due,
            state=limit.state,
            state_text=limit.state_text,
            whose=limit.whose,
            legal_basis=limit.legal_basis,
            why=("A reason that goes on. " * 600,),
        )
        short = dossier.build(dossier_data(limits=(limit,)), []).page_count
        assert dossier.build(dossier_data(limits=(long,)), []).page_count >= short + 3

    def test_says_so_when_the_fonts_lack_a_character(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = words_of(monkeypatch)
        made = dossier.build(dossier_data(title="名前 Name"), [])
        assert made.manifest.troubles == (Trouble.UNPRINTABLE_CHARACTERS,)
        assert seen[-1]["title"] == "□□ Name"
        assert seen[-1]["unprintable_notice"] == LABELS.troubles[Trouble.UNPRINTABLE_CHARACTERS]

    def test_prints_cyrillic_arabic_georgian_and_armenian_as_they_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = words_of(monkeypatch)
        made = dossier.build(dossier_data(title="Пример ґї علی پگاه გიორგი Հայկ Öğüş"), [])
        assert made.manifest.troubles == ()
        assert seen[-1]["title"] == "Пример ґї علی پگاه გიორგი Հայկ Öğüş"


class TestLikelyLimits:
    """A limit whose reading is not settled is marked, and the cover says so."""

    def test_are_announced_on_the_cover(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = words_of(monkeypatch)
        dossier.build(dossier_data(), [])
        assert seen[-1]["any_likely"] is True
        assert [limit["is_likely"] for limit in seen[-1]["limits"]] == [False, True]  # type: ignore[attr-defined]

    def test_are_not_announced_when_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = words_of(monkeypatch)
        dossier.build(dossier_data(limits=dossier_data().limits[:1]), [])
        assert seen[-1]["any_likely"] is False


class TestExhibitsThatFail:
    """One bad file never costs the lawyer the others."""

    @pytest.mark.parametrize(
        ("content", "media_type", "trouble"),
        [
            (b"", "application/pdf", Trouble.BROKEN),
            (b"%PDF-1.7 not really", "application/pdf", Trouble.BROKEN),
            (b"plain words", "image/jpeg", Trouble.BROKEN),
            (b"plain words", "application/zip", Trouble.NOT_PRINTABLE),
            (b"<html>", "text/html", Trouble.NOT_PRINTABLE),
            ("кириллица".encode("cp1251"), "text/plain", Trouble.UNREADABLE_TEXT),
            (b"a\0b", "text/plain", Trouble.UNREADABLE_TEXT),
        ],
    )
    def test_is_replaced_by_a_page_that_says_why(self, content: bytes, media_type: str, trouble: Trouble) -> None:
        made = dossier.build(
            dossier_data(), [exhibit("1", pdf(2)), exhibit("2", content, media_type), exhibit("3", pdf(2))]
        )
        one, two, three = made.manifest.entries
        assert (two.included, two.troubles) == (False, (trouble,))
        assert two.last_page == two.first_page
        assert two.sha256 == hashlib.sha256(content).hexdigest()
        assert (one.included, three.included) == (True, True)
        assert (three.first_page, three.last_page) == (two.first_page + 1, made.page_count)

    def test_that_is_locked_is_replaced_and_the_others_kept(self) -> None:
        with pikepdf.open(io.BytesIO(pdf())) as plain:
            locked = saved(plain, encryption=pikepdf.Encryption(owner="synthetic", user="synthetic", R=6))
        made = dossier.build(dossier_data(), [exhibit("1", locked), exhibit("2", pdf())])
        assert [entry.troubles for entry in made.manifest.entries] == [(Trouble.ENCRYPTED,), ()]

    def test_whose_damage_shows_only_when_its_page_is_drawn_is_replaced(self) -> None:
        def spoil(made: pikepdf.Pdf) -> None:
            packed = made.make_stream(b"x\x9cno packed bytes at all")
            packed.Filter = Name.FlateDecode
            made.pages[1].obj.Contents = pikepdf.Array([packed, made.make_stream(b"n")])

        made = dossier.build(dossier_data(), [exhibit("1", pdf(3, change=spoil)), exhibit("2", pdf(2))])
        one, two = made.manifest.entries
        assert (one.included, one.troubles) == (False, (Trouble.BROKEN,))
        assert (two.included, two.first_page, two.last_page) == (True, one.first_page + 1, made.page_count)

    def test_whose_damage_shows_only_when_all_is_written_is_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def spoil(made: pikepdf.Pdf) -> None:
            made.pages[0].obj.Contents = made.make_stream(b"% cannot be written")

        write_as_it_is = dossier._written

        def refuse(made: pikepdf.Pdf) -> bytes:
            if "cannot be written" in everything(made):
                raise pikepdf.PdfError("cannot be written")
            return write_as_it_is(made)

        monkeypatch.setattr(dossier, "_written", refuse)
        made = dossier.build(
            dossier_data(), [exhibit("1", pdf()), exhibit("2", pdf(change=spoil)), exhibit("3", pdf())]
        )
        assert [entry.included for entry in made.manifest.entries] == [True, False, True]

    def test_that_only_forbids_changes_is_included(self) -> None:
        with pikepdf.open(io.BytesIO(pdf())) as plain:
            guarded = saved(plain, encryption=pikepdf.Encryption(owner="synthetic", user="", R=6))
        made = dossier.build(dossier_data(), [exhibit("1", guarded)])
        with opened(made) as file:
            drawn = file.pages[-1].obj.Resources.XObject["/CaseworkExhibit"]
            assert b"UP page 1" in drawn.read_bytes()
            assert not file.is_encrypted


def _destination(file: pikepdf.Pdf, link: pikepdf.Object) -> pikepdf.Object:
    target = link.Dest if Name.Dest in link else link.A.D
    if isinstance(target, pikepdf.Array):
        return target
    tree = pikepdf.NameTree(file.Root.Names.Dests)
    found = tree[str(target)]
    return found.D if isinstance(found, pikepdf.Dictionary) else found
