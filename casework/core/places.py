"""Countries and spoken languages as lists to choose from: codes are stored, names are translated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The states of the European Union and those associated with the Dublin system; ISO 3166 alpha-2.
MEMBER_STATES: tuple[tuple[str, StrOrPromise], ...] = (
    ("AT", _("Austria")),
    ("BE", _("Belgium")),
    ("BG", _("Bulgaria")),
    ("HR", _("Croatia")),
    ("CY", _("Cyprus")),
    ("CZ", _("Czechia")),
    ("DK", _("Denmark")),
    ("EE", _("Estonia")),
    ("FI", _("Finland")),
    ("FR", _("France")),
    ("DE", _("Germany")),
    ("GR", _("Greece")),
    ("HU", _("Hungary")),
    ("IS", _("Iceland")),
    ("IE", _("Ireland")),
    ("IT", _("Italy")),
    ("LV", _("Latvia")),
    ("LI", _("Liechtenstein")),
    ("LT", _("Lithuania")),
    ("LU", _("Luxembourg")),
    ("MT", _("Malta")),
    ("NL", _("Netherlands")),
    ("NO", _("Norway")),
    ("PL", _("Poland")),
    ("PT", _("Portugal")),
    ("RO", _("Romania")),
    ("SK", _("Slovakia")),
    ("SI", _("Slovenia")),
    ("ES", _("Spain")),
    ("SE", _("Sweden")),
    ("CH", _("Switzerland")),
)

# Where people come from, pass through or hold a nationality; "XX" and "XS" as travel documents write them (ICAO 9303
# has XXA and XXX for stateless and unspecified).
_OTHERS: tuple[tuple[str, StrOrPromise], ...] = (
    ("AF", _("Afghanistan")),
    ("AL", _("Albania")),
    ("DZ", _("Algeria")),
    ("AO", _("Angola")),
    ("AM", _("Armenia")),
    ("AU", _("Australia")),
    ("AZ", _("Azerbaijan")),
    ("BD", _("Bangladesh")),
    ("BY", _("Belarus")),
    ("BA", _("Bosnia and Herzegovina")),
    ("BR", _("Brazil")),
    ("BF", _("Burkina Faso")),
    ("BI", _("Burundi")),
    ("CM", _("Cameroon")),
    ("CA", _("Canada")),
    ("CF", _("Central African Republic")),
    ("TD", _("Chad")),
    ("CN", _("China")),
    ("CO", _("Colombia")),
    ("CG", _("Congo")),
    ("CD", _("Congo, Democratic Republic of the")),
    ("CU", _("Cuba")),
    ("CI", _("Côte d’Ivoire")),
    ("DO", _("Dominican Republic")),
    ("EG", _("Egypt")),
    ("SV", _("El Salvador")),
    ("ER", _("Eritrea")),
    ("ET", _("Ethiopia")),
    ("GM", _("Gambia")),
    ("GE", _("Georgia")),
    ("GH", _("Ghana")),
    ("GN", _("Guinea")),
    ("HT", _("Haiti")),
    ("HN", _("Honduras")),
    ("IN", _("India")),
    ("IR", _("Iran")),
    ("IQ", _("Iraq")),
    ("IL", _("Israel")),
    ("JO", _("Jordan")),
    ("KZ", _("Kazakhstan")),
    ("KE", _("Kenya")),
    ("XK", _("Kosovo")),
    ("KG", _("Kyrgyzstan")),
    ("LB", _("Lebanon")),
    ("LR", _("Liberia")),
    ("LY", _("Libya")),
    ("ML", _("Mali")),
    ("MR", _("Mauritania")),
    ("MX", _("Mexico")),
    ("MD", _("Moldova")),
    ("MN", _("Mongolia")),
    ("ME", _("Montenegro")),
    ("MA", _("Morocco")),
    ("MM", _("Myanmar")),
    ("NP", _("Nepal")),
    ("NI", _("Nicaragua")),
    ("NE", _("Niger")),
    ("NG", _("Nigeria")),
    ("MK", _("North Macedonia")),
    ("PK", _("Pakistan")),
    ("PS", _("Palestine")),
    ("PE", _("Peru")),
    ("RU", _("Russia")),
    ("RW", _("Rwanda")),
    ("SN", _("Senegal")),
    ("RS", _("Serbia")),
    ("SL", _("Sierra Leone")),
    ("SO", _("Somalia")),
    ("SS", _("South Sudan")),
    ("LK", _("Sri Lanka")),
    ("SD", _("Sudan")),
    ("SY", _("Syria")),
    ("TJ", _("Tajikistan")),
    ("TG", _("Togo")),
    ("TN", _("Tunisia")),
    ("TR", _("Türkiye")),
    ("TM", _("Turkmenistan")),
    ("UG", _("Uganda")),
    ("UA", _("Ukraine")),
    ("AE", _("United Arab Emirates")),
    ("GB", _("United Kingdom")),
    ("US", _("United States")),
    ("UZ", _("Uzbekistan")),
    ("VE", _("Venezuela")),
    ("VN", _("Vietnam")),
    ("YE", _("Yemen")),
    ("ZW", _("Zimbabwe")),
    ("XA", _("Stateless")),
)
COUNTRIES: tuple[tuple[str, StrOrPromise], ...] = MEMBER_STATES + _OTHERS

# ISO 639 codes.
LANGUAGES_SPOKEN: tuple[tuple[str, StrOrPromise], ...] = (
    ("sq", _("Albanian")),
    ("ar", _("Arabic")),
    ("hy", _("Armenian")),
    ("az", _("Azerbaijani")),
    ("ba", _("Bashkir")),
    ("be", _("Belarusian")),
    ("bua", _("Buryat")),
    ("ce", _("Chechen")),
    ("cv", _("Chuvash")),
    ("prs", _("Dari")),
    ("nl", _("Dutch")),
    ("en", _("English")),
    ("fa", _("Farsi")),
    ("fr", _("French")),
    ("ka", _("Georgian")),
    ("de", _("German")),
    ("inh", _("Ingush")),
    ("it", _("Italian")),
    ("kk", _("Kazakh")),
    ("ky", _("Kyrgyz")),
    ("ku", _("Kurdish")),
    ("ps", _("Pashto")),
    ("pl", _("Polish")),
    ("ro", _("Romanian")),
    ("ru", _("Russian")),
    ("sah", _("Yakut")),
    ("sr", _("Serbian")),
    ("so", _("Somali")),
    ("es", _("Spanish")),
    ("tg", _("Tajik")),
    ("tt", _("Tatar")),
    ("ti", _("Tigrinya")),
    ("tr", _("Turkish")),
    ("tyv", _("Tuvan")),
    ("uk", _("Ukrainian")),
    ("uz", _("Uzbek")),
)
_STATE_NAMES = dict(COUNTRIES)
_LANGUAGE_NAMES = dict(LANGUAGES_SPOKEN)


def state_name(code: str) -> StrOrPromise:
    """Return the translatable name of a country's code; an unknown code comes back as it is."""
    return _STATE_NAMES.get(code, code)


def language_name(code: str) -> StrOrPromise:
    """Return the translatable name of a language's code; an unknown code comes back as it is."""
    return _LANGUAGE_NAMES.get(code, code)


def by_name(choices: Iterable[tuple[str, StrOrPromise]]) -> list[tuple[str, str]]:
    """Return choices in the alphabetical order of the page's language (lists above are in English order)."""
    return sorted(
        ((code, str(name)) for code, name in choices),
        key=lambda choice: choice[1].casefold(),
    )
