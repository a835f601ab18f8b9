"""One run: start, go everywhere, search everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.house.leaks import places
from tests.house.leaks.allowed import ALLOWED
from tests.house.leaks.browsing import Browser
from tests.house.leaks.faulty import census
from tests.house.leaks.installation import Running, running
from tests.house.leaks.journey import Journey
from tests.house.leaks.places import Looked
from tests.house.leaks.searching import Searcher, marks_of

# Which of its processes answers is the kernel's choice.
_TRIES = 12


@dataclass(frozen=True)
class Census:
    """What the live objects of one process still hold, by input and type."""

    part: str
    objects: list[str]


@dataclass(frozen=True)
class Found:
    """What one run planted, searched and found; `blind`: what `afterwards` returned."""

    journey: Journey
    looked: list[Looked]
    in_memory: list[Looked]
    live: list[Census]
    blind: list[str]


def once(afterwards: Callable[[Running, Journey], list[str]] = lambda _app, _journey: []) -> Found:
    """Run the journey once and search everything; `afterwards` is called while the installation still runs."""
    with running() as app:
        journey = Journey(app)
        journey.run()
        searcher = Searcher(journey.book.planted.values())
        looked = places.everywhere(app, journey, searcher)
        # Before the census, which brings every secret along.
        in_memory = places.memory(app, searcher)
        return Found(journey, looked, in_memory, live_objects(app, journey), afterwards(app, journey))


def live_objects(app: Running, journey: Journey) -> list[Census]:
    """Ask the processes that served the journey what their live objects still hold (invariant 22)."""
    visible = {key for entry in ALLOWED for key in journey.book.planted if entry.names(key)}
    # Python's own register of warnings keeps their text; ours quote nothing.
    visible |= {key for key in journey.book.planted if key.startswith("fault warning")}
    secrets = [secret for key, secret in journey.book.planted.items() if key not in visible]
    texts = {"marks": marks_of(secrets), "all": [secret.typed for secret in secrets]}
    hidden = json.dumps({name: [census.disguised(one) for one in many] for name, many in texts.items()})
    found = {**_of_web(app, hidden), **_of_worker(app, journey, hidden)}
    return [
        Census(part, sorted({f"{secrets[int(place)].key}: {kinds[0]}" for place, kinds in held.items()}))
        for (part, _pid), held in sorted(found.items())
    ]


def _of_web(app: Running, hidden: str) -> dict[tuple[str, int], dict[str, list[str]]]:
    found: dict[tuple[str, int], dict[str, list[str]]] = {}
    headers = {"X-Fault": "census", "Content-Type": "application/json"}
    for _try in range(_TRIES):
        asked = Browser(app.port, []).send("/readyz", hidden.encode(), headers, method="GET")
        answer = json.loads(asked.body)
        found["web", answer["pid"]] = answer["held"]
        if len(found) == places.WEB_PROCESSES:
            break
    return found


def _of_worker(app: Running, journey: Journey, hidden: str) -> dict[tuple[str, int], dict[str, list[str]]]:
    asked = app.folder / "tmp" / "census-1.json"
    asked.write_text(hidden)
    asked.chmod(0o644)
    journey.wake("faulty.census", "one")
    answers = app.folder / "tmp"
    journey.wait(lambda: any(answers.glob("answer-*.json")), "the worker counts")
    told = [json.loads(path.read_text()) for path in answers.glob("answer-*.json")]
    return {("worker", one["pid"]): one["held"] for one in told}
