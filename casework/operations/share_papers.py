"""What stands on the sheet of a share, beside its words."""

from __future__ import annotations

from datetime import date

from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from casework.crypto.recovery import Share
from casework.printing.share_sheets import SheetText, share_sheet


def paper(share: Share, *, shares: int, made_on: date) -> bytes:
    """Return the sheet of one share of a set of so many, as a PDF. It names no person, organisation or server."""
    return share_sheet(_text(share, shares=shares, made_on=made_on), share.reveal_words())


def _text(share: Share, *, shares: int, made_on: date) -> SheetText:
    counts = {"number": share.number, "shares": shares, "threshold": share.threshold}
    return SheetText(
        language=(get_language() or "en").split("-", maxsplit=1)[0],
        title=_("Share %(number)d of %(shares)d") % counts,
        lead=_(
            "This sheet is one of %(shares)d parts of a key. Any %(threshold)d of them together make the key. This one"
            " alone opens nothing, and without enough of them what the key protects is lost."
        )
        % counts,
        facts=(
            (_("Set"), share.set_name),
            (_("Made on"), formats.date_format(made_on, "j F Y")),
            (_("Needed"), _("%(threshold)d of %(shares)d") % counts),
        ),
        words=_("Read downwards, column by column. The first four letters of a word are enough."),
        code=_("The same words. Only for a scanner on a wire, at the machine where they are needed."),
        use=_("When it is used"),
        uses=(
            _("The key was lost, or its recovery is rehearsed, about every three months."),
            _(
                "%(threshold)d people with sheets of the same set meet and type in their words, each their own, while"
                " nobody else looks."
            )
            % counts,
            _("Afterwards each takes their own sheet back."),
        ),
        do=_("What to do with it"),
        dos=(
            _(
                "Keep it in a place that you can lock, in another building than the other sheets; best in another"
                " country."
            ),
            _("Look once in a while whether it is there and can be read."),
            _("Lost, or seen by anybody? Say so at once to whoever gave it to you: a new set will be made."),
            _("If you can no longer keep it, give it back in person."),
        ),
        never=_("Never"),
        nevers=(
            _("Never photograph, scan or copy it, and never type it into a telephone, a mail or a web page."),
            _("Never keep it beside another sheet of the same set, and never write on it what it is for."),
            _(
                "Never give it, or read it out, to somebody who asks for it unexpectedly, whoever they say they are."
                " First speak with a person whom you know, face to face."
            ),
        ),
    )
