# SPDX-License-Identifier: GPL-2.0-only
"""The schemas in docs/schemas, for every JSON document that a command prints."""

import functools
import json
from pathlib import Path

import jsonschema

DIRECTORY = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@functools.cache
def validator(name):
    schema = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def name_of(words):
    """The schema for a command: its own, else that of all commands that change something."""
    if words[:2] == ["log", "drops"]:
        return "change"
    if words[:2] == ["forward", "--check"]:
        return "forward-check"
    for name in ("-".join(words[:2]), words[0]):
        if (DIRECTORY / f"{name}.json").exists():
            return name
    return "change"


def check(words, document):
    errors = [f"{error.json_path}: {error.message}" for error in validator(name_of(words)).iter_errors(document)]
    assert not errors, f"`{' '.join(words)} --json` breaks docs/schemas/{name_of(words)}.json:\n" + "\n".join(errors[:5])
