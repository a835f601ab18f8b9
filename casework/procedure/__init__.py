"""Facts in; regime, stage, responsible state and time limits out, stored so that lists sort and reminders fire.

Owns: `Fact` (append-only, one sealed value each), `Limit` (what the law makes of the facts), `Derivation` (when the
answer changes although nobody records anything). Everything but the facts can be derived again and comes out the same.

Must never: let anybody type a derived date, or change a case's stage without a recorded fact or the article that makes
silence an answer.
"""
