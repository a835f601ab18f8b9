"""Time limits of the transfer procedure, derived from dated facts.

What it is: a pure function. Facts in (`types.CaseFile`), procedure out (`types.Procedure`): which regulation applies,
where the procedure stands, which state is responsible, which time limits run, when they end and why.

What it owns: the vocabulary of facts (`facts`), the rule packs (`rules/*.toml`, read by `packs`), the calendars of
public holidays (`calendars`), the ways of counting (`counting`), the words (`wording`) and the command `deadlines`
(`cli`).

What it must never do: import Django, read a database, a key or a clock (the day of the question is an argument), keep
anything of a case after the answer is given, or take a passed time limit for a changed state: only recorded facts
change where a procedure stands, save where the article itself makes silence an acceptance.
"""
