# SPDX-License-Identifier: GPL-2.0-only
"""Rounds of measurements and what is printed of them. Ratios come first: on a shared
machine the absolute values of one hour are not those of the next."""

from statistics import median

from lab import BenchError


class Section:
    """One table: contenders measured in turns, each against the reference of the same round."""

    def __init__(self, title, unit, digits, contenders, reference):
        self.title = title
        self.unit = unit
        self.digits = digits
        self.reference = reference
        self.values = {name: [] for name in contenders}
        self.errors = {}

    def attempt(self, name, function, *arguments):
        """Call for contender @name. One that failed once is out: its row says why, and has no numbers."""
        if not self.alive(name):
            return None
        try:
            return function(*arguments)
        except BenchError as error:
            self.errors[name] = str(error)
            self.values[name].clear()
            return None

    def measure(self, name, function, *arguments):
        value = self.attempt(name, function, *arguments)
        if value is not None:
            self.values[name].append(value)

    def alive(self, name):
        return name not in self.errors

    def ratios(self, name):
        return [value / limit for value, limit in zip(self.values[name], self.values[self.reference])]

    def added_ns(self, name):
        """What a packet costs more than with the reference (rates only), in nanoseconds."""
        pairs = zip(self.values[name], self.values[self.reference])
        return [1000 / value - 1000 / limit for value, limit in pairs]

    def is_rate(self):
        return self.unit == "Mpps"


def spread(values):
    return {"median": median(values), "min": min(values), "max": max(values)} if values else None


def row_json(section, name):
    row = {"name": name, "error": section.errors.get(name), "ratio": spread(section.ratios(name)),
           "value": spread(section.values[name]), "values": section.values[name]}
    if section.is_rate():
        row["added_ns"] = spread(section.added_ns(name))
    return row


def section_json(section):
    return {"title": section.title, "unit": section.unit, "reference": section.reference,
            "rows": [row_json(section, name) for name in section.values]}


def format_spread(values, digits):
    if not values:
        return f"{'-':>9} {'':>17}"
    around = f"{min(values):.{digits}f}..{max(values):.{digits}f}"
    return f"{median(values):9.{digits}f} {around:>17}"


def format_row(section, name, width):
    if not section.alive(name):
        return f"  {name:{width}}  FAILED: {section.errors[name]}"
    row = f"  {name:{width}}  {format_spread(section.ratios(name), 2)}  "
    row += format_spread(section.values[name], section.digits)
    if section.is_rate():
        row += f"  {format_spread(section.added_ns(name), 1)}"
    return row


def format_section(section):
    width = max(len(name) for name in section.values)
    head = f"  {'':{width}}  {'ratio':>9} {'(min..max)':>17}  {section.unit:>9} {'(min..max)':>17}"
    if section.is_rate():
        head += f"  {'added ns':>9} {'(min..max)':>17}"
    rows = [format_row(section, name, width) for name in section.values]
    return "\n".join([f"{section.title}; ratio to {section.reference}", head, *rows])
