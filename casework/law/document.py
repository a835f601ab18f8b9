"""The generated pages docs/facts.md and docs/rules/, so that they never differ from the vocabulary and the packs.

`python -m casework.law.document docs` writes them; a test compares.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from casework.law import counting, facts, packs, reference, set_by_others, wording

_FACTS_HEAD = """# Facts

Generated from `casework/law/facts.py` by `python -m casework.law.document docs`. Do not edit.

A facts file is JSON in UTF-8: `country` (ISO 3166 alpha-2, required), `region` (such as `"FR-57"`, where holidays
differ), `status` (`"before-arrival"` for a person still outside the Union), `person` (`minor`, `unaccompanied`),
`family` (`relation`, `state`, `status`, `consent_on`) and `facts`, a list in any order.

Every fact has `fact` (its name) and either `on` (a date) or `at` (a date-time with offset), the members below, and
optionally `certainty` ({certainties}), `service` ({services}) and `notified_to` ({addressees}). Members marked * are
required. On one day, facts count in the order of these tables.

A fact whose day nobody knows has `date_unknown: true` instead of `on`, and `not_before`, `not_after` where they are
known: both ends of what follows from it are computed, and where nothing bounds it the answer asks for the date.

Refused beyond single members: a receipt or an answer dated before every request that it could belong to, a transfer
dated before the acceptance that it rests on, a hit that names the state of the procedure, a derogation that ends before
it begins, a printed period given twice. The day of a date-time is the local day in `country`.

- An answer without `state` belongs to the latest request of its kind.
- A receipt that was not recorded is taken as the day of sending, with a warning.
- A request without `basis` gets the longer period for the answer, with a warning.
- `appeal-decided` without `final` is taken as final; `final: false` leaves a suspensive effect in place.
- `application-registered` and `application-lodged` with the `state` of another country start no period here.
- `time-limit-set` and `appointment` become time limits under the rule ids {set_rules}.
  `time-limit-met` with the same `what` closes the first, `appointment-cancelled` of the same day and kind the second.
"""

_RULES_HEAD = """# Rules

Generated from `casework/law/rules/*.toml` by `python -m casework.law.document docs`. Do not edit.

One page for each instrument. Each entry is one period, or one clause without a period that a page can cite. A change in
law is a new rule with a date, never an edit: old cases keep their answer. An entry without legal basis, source, date of
checking or confidence does not load. A rule that is `unverified` never gives a date by itself: it asks.

| instrument | rules | verified | likely | unverified |
|---|---|---|---|---|
{instruments}

## Members of a rule

| member | says |
|---|---|
{members}
"""

_PAGE_HEAD = """# {instrument}

Generated from `casework/law/rules/*.toml` by `python -m casework.law.document docs`. Do not edit.
[All instruments](README.md)
"""

_RULE_MEMBERS = (
    (
        "`id`, `label`",
        "name for machines; catalogue key of its name for people",
    ),
    (
        "`phase`",
        "what it is about: PHASES",
    ),
    (
        "`starts_on`",
        "events that start it: `fact member=choice\\|choice if condition and not condition`; "
        "beside facts there are `acceptance`, `relocation`, `suspension`, `suspension-over`",
    ),
    (
        "`starts`",
        "`any` (default): each event; `preferred`: only those of the first name recorded",
    ),
    (
        "`repeat`, `renewed_after`",
        "`first` (default): an event while a period runs adds nothing, unless one of "
        "`renewed_after` lies between; `each`",
    ),
    (
        "`length`, `length_if`",
        '"6 months", "7 working days", "2 days before"; `appeal_period or 1 week`: as printed in the decision, '
        "else that; `urgent_days or …`: as asked for; other lengths by condition",
    ),
    (
        "`counting`",
        "CODES",
    ),
    (
        "`calendar`",
        "whose public holidays: `country` (default) or `requested`, the other state",
    ),
    (
        "`whose`, `act_on`",
        "who must act; whether the `earlier` or the `later` of strict and rolled date is the date to act on",
    ),
    (
        "`meets`, `met_before`",
        "events that meet it; whether one before the start does too",
    ),
    (
        "`stops`",
        "events after which it no longer runs; `suspension` is a suspensive effect that stops the clock",
    ),
    (
        "`restarts_on`",
        "events that start it anew after a suspension",
    ),
    (
        "`extends`, `counts_from`, `lasting`, `late`, `tops_up`",
        "the windows that it lengthens; counted from the `event` or from the start of the "
        "`extended` one; by a lasting imprisonment; what to say when it came too late; only if "
        "less than its own length was left",
    ),
    (
        "`supersedes`",
        "rules whose place it takes",
    ),
    (
        "`cap`",
        "rule beyond whose end it cannot run",
    ),
    (
        "`silence`, `silence_after`",
        "what no answer amounts to; the period after which, where that is longer",
    ),
    (
        "`on_expiry`, `claim`, `frees`, `warns`",
        "catalogue keys: what happens at the end; the claim when it has passed; the claim for "
        "someone still detained; what to say when it applies",
    ),
    (
        "`between`",
        "the shortest and the longest period that Union law allows; a printed one outside gives a warning",
    ),
    (
        "`while`",
        "rules of which one must be running for the event to start this one",
    ),
    (
        "`paused_by`, `resumed_by`, `pause_within`",
        "events between which it stands still and then runs on with what was left; how soon the first must come",
    ),
    (
        "`applies_from`, `applies_until`, `applies_by`",
        "days that it governs: of the application's registration (`registered`, default) or lodging (`lodged`), "
        "or of the `event` that starts it",
    ),
)


def facts_page() -> str:
    """Return docs/facts.md."""
    choices = [", ".join(f"`{c}`" for c in cs) for cs in (facts.CERTAINTIES, facts.SERVICES, facts.ADDRESSEES)]
    head = _FACTS_HEAD.format(
        certainties=choices[0],
        services=choices[1],
        addressees=choices[2],
        set_rules=", ".join(f"`{rule}`" for rule in set_by_others.rule_ids()),
    )
    return "\n".join([head, *_facts_tables()]) + "\n"


def _facts_tables() -> Iterator[str]:
    words = wording.words_for("en")
    for group in facts.GROUPS:
        yield f"## {words.say(f'group.{group}')}\n"
        yield "| fact | means | members |"
        yield "|---|---|---|"
        for kind in facts.VOCABULARY.values():
            if kind.group == group:
                members = "; ".join(_member(member) for member in kind.members)
                marks = "".join((" (hour matters)" * kind.takes_time, " (may lie ahead)" * kind.planned))
                yield f"| `{kind.name}` | {words.say(kind.label)}{marks} | {members} |"
        yield ""


def _member(member: facts.Member) -> str:
    star = "*" if member.required else ""
    kind = ", ".join(member.choices) if member.choices else member.kind
    return f"`{member.name}`{star}: {kind}"


def rules_pages() -> dict[str, str]:
    """Return the pages of docs/rules/ by file name: one for each instrument, and README.md, which lists them."""
    found = reference.entries()
    pages = {}
    rows = []
    for regime, instrument in reference.instruments().items():
        own = [entry for entry in found if entry.regime == regime]
        counts = Counter(entry.confidence for entry in own)
        cells = " | ".join(str(counts[confidence]) for confidence in packs.CONFIDENCES)
        rows.append(f"| [{instrument}]({regime}.md) | {len(own)} | {cells} |")
        pages[f"{regime}.md"] = "\n".join([_PAGE_HEAD.format(instrument=instrument), *_sections(own)])
    phases = ", ".join(f"`{phase}`" for phase in packs.PHASES)
    codes = ", ".join(f"`{code}`" for code in sorted(counting.CODES))
    members = "\n".join(
        f"| {member} | {says.replace('PHASES', phases).replace('CODES', codes)} |" for member, says in _RULE_MEMBERS
    )
    pages["README.md"] = _RULES_HEAD.format(instruments="\n".join(rows), members=members)
    return pages


def _sections(found: Iterable[reference.Entry]) -> Iterator[str]:
    for entry in found:
        yield f"## {entry.label}\n"
        yield f"`{entry.id}`: **{entry.length}**. [{entry.legal_basis}]({entry.source}), {entry.confidence_label},"
        yield f"checked on {entry.checked_on.isoformat()}.\n"
        for heading, text in entry.details:
            yield f"- {heading}: {text}"
        yield ""


def write(folder: Path) -> None:
    """Write facts.md and rules/ into a folder; a page of rules that nothing generates any more is removed."""
    (folder / "facts.md").write_text(facts_page(), "utf-8")
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    pages = rules_pages()
    for name, text in pages.items():
        (rules / name).write_text(text, "utf-8")
    for left_over in rules.glob("*.md"):
        if left_over.name not in pages:
            left_over.unlink()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
