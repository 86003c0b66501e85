# SPDX-License-Identifier: GPL-2.0-only
"""Rounds of measurements, what they come to, and the table of it on the terminal. Ratios come first: on a shared
machine the absolute values of one hour are not those of the next.

A Section collects; result() is its outcome in plain values, which is also its JSON. Whatever is printed or drawn
is made from that, so that it can be made again from a file.
"""

import contextlib
from dataclasses import dataclass
from statistics import median

from lab import BenchError, Missing, Starved

ATTEMPTS = 5


@dataclass
class Goal:
    """What one row is wanted to reach; its median decides."""

    text: str
    row: str
    at_least: float = None
    at_most: float = None
    quantity: str = "ratio"  # or "value", "added_ns"
    against: str = None  # the ratio to this row, instead of to the reference
    values: object = None  # a function of the section, for what no one row can say; a ratio

    def wanted(self):
        return f">= {self.at_least:g}" if self.at_most is None else f"<= {self.at_most:g}"

    def met(self, value):
        return value >= self.at_least if self.at_most is None else value <= self.at_most


class Section:
    """One table: contenders measured in turns, each against the reference of the same round."""

    def __init__(self, title, unit, digits, contenders, reference, goals=(), axis=None):
        self.title = title
        self.unit = unit
        self.digits = digits
        self.reference = reference
        self.goals = goals
        self.axis = axis  # what points() are about: "rules", "flows"
        self.values = {name: [] for name in contenders}
        self.errors = {}
        self.missing = {}
        self.points = {}

    def point(self, name, series, x):
        """Row @name is the point at @x of the curve @series."""
        self.points[name] = {"series": series, "x": x}

    def attempt(self, name, function, *arguments):
        """Call for contender @name. One that failed once is out: its row says why, and has no numbers."""
        if not self.alive(name):
            return None
        try:
            return patiently(function, *arguments)
        except Missing as reason:
            self.missing[name] = str(reason)
        except BenchError as error:
            self.errors[name] = str(error)
        self.values[name].clear()
        return None

    def measure(self, name, function, *arguments):
        value = self.attempt(name, function, *arguments)
        if value is not None:
            self.values[name].append(value)

    def alive(self, name):
        return name not in self.errors and name not in self.missing

    def failures(self):
        """What broke: contenders that failed, and those that nobody has measured."""
        unmeasured = {name: "has no result" for name, values in self.values.items() if self.alive(name) and not values}
        return {**self.errors, **unmeasured}

    def ratios(self, name, against=None):
        return [value / limit for value, limit in zip(self.values[name], self.values[against or self.reference])]

    def added_ns(self, name):
        """What a packet costs more than with the reference (rates only), in nanoseconds."""
        pairs = zip(self.values[name], self.values[self.reference])
        return [1000 / value - 1000 / limit for value, limit in pairs]

    def is_rate(self):
        return self.unit == "Mpps"

    def result(self):
        return {"title": self.title, "unit": self.unit, "digits": self.digits, "reference": self.reference,
                "axis": self.axis, "rows": [self._row(name) for name in self.values],
                "goals": [self._goal(goal) for goal in self.goals]}

    def _row(self, name):
        row = {"name": name, "error": self.failures().get(name), "missing": self.missing.get(name),
               "ratio": spread(self.ratios(name)), "value": spread(self.values[name]), "values": self.values[name],
               **self.points.get(name, {})}
        if self.is_rate():
            row["added_ns"] = spread(self.added_ns(name))
        return row

    def _goal(self, goal):
        if goal.values:
            values = goal.values(self)
        else:
            values = {"ratio": lambda: self.ratios(goal.row, goal.against), "value": lambda: self.values[goal.row],
                      "added_ns": lambda: self.added_ns(goal.row)}[goal.quantity]()
        reached = median(values) if values else None
        unit = {"ratio": "", "value": self.unit, "added_ns": "ns"}[goal.quantity]
        return {"text": goal.text, "row": goal.row, "wanted": goal.wanted(), "unit": unit, "reached": reached,
                "met": None if reached is None else goal.met(reached)}


def patiently(function, *arguments):
    """Call; and again, if other work of this machine left it no CPU."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(Starved):
            return function(*arguments)
    return function(*arguments)


def spread(values):
    return {"median": median(values), "min": min(values), "max": max(values)} if values else None


def format_spread(values, digits):
    if not values:
        return f"{'-':>9} {'':>17}"
    around = f"{short(values['min'], digits)}..{short(values['max'], digits)}"
    return f"{short(values['median'], digits):>9} {around:>17}"


def short(value, digits):
    """With @digits behind the point; more where all would be zeros, none where they would be noise."""
    if 0 < abs(value) < 10 ** -digits:
        return f"{value:.1g}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"


def format_row(result, row, width):
    if row["error"]:
        return f"  {row['name']:{width}}  FAILED: {row['error']}"
    if row["missing"]:
        return f"  {row['name']:{width}}  MISSING: {row['missing']}"
    text = f"  {row['name']:{width}}  {format_spread(row['ratio'], 2)}  {format_spread(row['value'], result['digits'])}"
    return text + (f"  {format_spread(row['added_ns'], 1)}" if "added_ns" in row else "")


def format_section(result):
    """The table of one result()."""
    width = max(len(row["name"]) for row in result["rows"])
    head = f"  {'':{width}}  {'ratio':>9} {'(min..max)':>17}  {result['unit']:>9} {'(min..max)':>17}"
    if "added_ns" in result["rows"][0]:
        head += f"  {'added ns':>9} {'(min..max)':>17}"
    rows = [format_row(result, row, width) for row in result["rows"]]
    return "\n".join([f"{result['title']}; ratio to {result['reference']}", head, *rows])


def format_goal(goal):
    """Its text, what was wanted, and what was reached."""
    unit = f" {goal['unit']}" if goal["unit"] else ""
    if goal["reached"] is None:
        return goal["text"], goal["wanted"] + unit, "not measured", ""
    digits = 2 if not goal["unit"] else 1
    return goal["text"], goal["wanted"] + unit, f"{goal['reached']:.{digits}f}{unit}", "yes" if goal["met"] else "no"


def format_goals(results):
    """All that was wanted, in one table."""
    lines = [format_goal(goal) for result in results for goal in result["goals"]]
    if not lines:
        return ""
    lines.insert(0, ("wanted and reached", "wanted", "reached", "met"))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths)).rstrip() for line in lines)
