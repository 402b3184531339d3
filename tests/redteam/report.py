"""What came of the attacks: a row each, as a table or as JSON. Nothing here ever holds a planted value."""

import dataclasses
import json
import textwrap

HELD, RED, NOT_RUN, WORKS = "held", "RED", "not run", "works"
TASK = "work"  # what is no attack: a database administrator's own task
COLUMNS = (("attack", 6), ("what was tried", 44), ("what was got", 30), ("control found", 20),
           ("how it was noticed", 40), ("", 7))


@dataclasses.dataclass
class Outcome:
    """One attack's. `residual` is what the attacker does get, and docs/THREAT_MODEL.md says so."""

    attack: str
    tried: str
    residual: str = ""
    silent: str = ""  # why nobody notices, where nothing can
    skipped: str = ""
    got: list = dataclasses.field(default_factory=list)
    controls: dict = dataclasses.field(default_factory=dict)
    notices: dict = dataclasses.field(default_factory=dict)
    failure: str = ""

    def secret(self, what):
        """The attacker has got a secret this way."""
        self.got.append(what)

    def secret_if(self, condition, what):
        if condition:
            self.secret(what)

    def control(self, what, found):
        """Whether the same attack succeeds where nothing of Coffer is in the way."""
        self.controls[what] = bool(found)

    def notice(self, what, came):
        """Whether somebody learns of it, by whom or what."""
        self.notices[what] = bool(came)

    @property
    def problems(self):
        if self.skipped:
            return []
        problems = [f"a secret was got: {one}" for one in self.got]
        problems += [f"a control was not found: {name}" for name, found in self.controls.items() if not found]
        problems += [] if self.controls else ["it has no control"]
        problems += [f"it was not noticed: {name}" for name, came in self.notices.items() if not came]
        problems += [] if self.notices or self.silent else ["nothing says how it is noticed"]
        return problems + ([self.failure] if self.failure else [])

    @property
    def verdict(self):
        if self.skipped:
            return NOT_RUN
        return RED if self.problems else WORKS if self.attack == TASK else HELD

    def cells(self):
        missing = [name for name, found in self.controls.items() if not found]
        control = "; ".join([f"{len(self.controls) - len(missing)} of {len(self.controls)}",
                             *(f"NOT: {name}" for name in missing)])
        noticed = [name if came else f"NOT: {name}" for name, came in self.notices.items()]
        got = "; ".join(dict.fromkeys(self.got)) or self.failure or "nothing"
        if self.residual:
            got += f" (known: {self.residual})"
        return (self.attack, self.tried, self.skipped or got, control, "; ".join(noticed) or self.silent, self.verdict)

    def to_json(self):
        return {"attack": self.attack, "tried": self.tried, "got": self.got, "known": self.residual,
                "controls": self.controls, "noticed": self.notices, "not_noticed_because": self.silent,
                "not_run_because": self.skipped, "problems": self.problems, "verdict": self.verdict}


def _lines(cells):
    """One row of the table: each cell wrapped to its column."""
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, COLUMNS)]
    for number in range(max(map(len, wrapped))):
        parts = [(lines[number] if number < len(lines) else "").ljust(width)
                 for lines, (_, width) in zip(wrapped, COLUMNS)]
        yield " | ".join(parts).rstrip()


def table(outcomes):
    rule = "-+-".join("-" * width for _, width in COLUMNS)
    lines = [*_lines([name for name, _ in COLUMNS]), rule]
    for outcome in outcomes:
        lines += [*_lines(outcome.cells()), rule]
    return "\n".join(lines)


def summary(outcomes, planted):
    red = [outcome for outcome in outcomes if outcome.verdict == RED]
    got = sum(len(outcome.got) for outcome in outcomes)
    controls = [found for outcome in outcomes if not outcome.skipped for found in outcome.controls.values()]
    lines = [f"{outcome.attack}: {problem}" for outcome in red for problem in outcome.problems]
    skipped = sum(outcome.verdict == NOT_RUN for outcome in outcomes)
    tasks = sum(outcome.attack == TASK for outcome in outcomes)
    lines.append(f"{len(outcomes) - tasks} attacks and {tasks} tasks of a DBA on {planted} planted values: {got} "
                 f"secrets, {sum(controls)} of {len(controls)} controls found, {len(red)} red, {skipped} not run")
    return "\n".join(lines)


def as_json(outcomes, planted):
    return json.dumps({"planted": planted, "red": [one.attack for one in outcomes if one.verdict == RED],
                       "attacks": [one.to_json() for one in outcomes]}, indent=2)
