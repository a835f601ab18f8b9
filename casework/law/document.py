"""The generated pages docs/facts.md and docs/rules.md, so that they never differ from the vocabulary and the packs.

`python -m casework.law.document docs` writes them; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from casework.law import facts, packs, set_by_others, wording
from casework.law.packs import Rule

_FACTS_HEAD = """# Facts

Generated from `casework/law/facts.py` by `python -m casework.law.document docs`. Do not edit.

A facts file is JSON in UTF-8: `country` (ISO 3166 alpha-2, required), `region` (such as `"FR-57"`, where holidays
differ), `status` (`"before-arrival"` for a person still outside the Union), `person` (`minor`, `unaccompanied`),
`family` (`relation`, `state`, `status`, `consent_on`) and `facts`, a list in any order.

Every fact has `fact` (its name) and either `on` (a date) or `at` (a date-time with offset), the members below, and
optionally `certainty` ({certainties}), `service` ({services}) and `notified_to` ({addressees}). Members marked * are
required. On one day, facts count in the order of these tables.

Two things are refused that a form could not catch field by field: a receipt or an answer dated before every request
that it could belong to, and a derogation that ends before it begins.

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

Each file is one instrument, each `[[rule]]` one period, or one clause without a period (`length = "none"`) that a page
can cite. A change in law is a new rule with a date, never an edit: old cases keep their answer. An entry without legal
basis, source, date of checking or confidence does not load.

## Members of a rule

| member | says |
|---|---|
{members}
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
        '"6 months", "2 days before"; `appeal_days or 1 week`: as printed, else the shortest '
        "allowed; other lengths by condition",
    ),
    (
        "`counting`",
        "`DUB3`, `AMMR`, `R1182`, `HOURS`, `NAT?`",
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
        "`applies_from`, `applies_until`",
        "days of registration that it governs",
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


def rules_page() -> str:
    """Return docs/rules.md."""
    phases = ", ".join(f"`{phase}`" for phase in packs.PHASES)
    members = "\n".join(f"| {member} | {says.replace('PHASES', phases)} |" for member, says in _RULE_MEMBERS)
    head = _RULES_HEAD.format(members=members)
    return "\n".join([head, *_rules_tables()]) + "\n"


def _rules_tables() -> Iterator[str]:
    words = wording.words_for("en")
    for regime in dict.fromkeys(rule.regime for rule in packs.load()):
        yield f"## {words.say(f'regime.{regime}')}\n"
        yield "| rule | starts on | length | counting | whose | when it has passed | basis | confidence | checked |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for rule in packs.load():
            if rule.regime == regime:
                yield _rule_row(rule, words)
        yield ""


def _rule_row(rule: Rule, words: wording.Words) -> str:
    starts = "<br>".join(f"`{spec.text}`" for spec in rule.starts_on).replace("|", "\\|")
    expiry = words.say(rule.on_expiry, {"country": words.say("table.country"), "state": words.say("word.other-state")})
    basis = f"[{rule.legal_basis}]({rule.source})"
    cells = (
        f"`{rule.id}`",
        starts,
        rule.length,
        rule.counting,
        rule.whose,
        expiry[:1].upper() + expiry[1:],
        basis,
        rule.confidence,
        rule.checked_on.isoformat(),
    )
    return f"| {' | '.join(cells)} |"


def write(folder: Path) -> None:
    """Write both pages into a folder."""
    (folder / "facts.md").write_text(facts_page(), "utf-8")
    (folder / "rules.md").write_text(rules_page(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
