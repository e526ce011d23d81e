"""A campaign's result as JSON text, and back, without loss.

Knows: the schema `jointrange.result/2`. Must never: read or write a file, or change a value.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError

from range.errors import Invalid, Problem, Where
from range.judging.result import SCHEMA, CampaignResult

_ADAPTER: TypeAdapter[CampaignResult] = TypeAdapter(CampaignResult)


def to_json(result: CampaignResult) -> str:
    """The result as JSON, two spaces deep, ending in a newline."""
    return _ADAPTER.dump_json(result, indent=2).decode("utf-8") + "\n"


def from_json(text: str, name: str = "result.json") -> CampaignResult:
    """The result in a JSON text. Raises Invalid, whose problems name `name` and the place in the object."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise Invalid([_problem(name, item["loc"], item["msg"]) for item in error.errors()]) from error


def schema() -> dict[str, object]:
    """The JSON Schema of the format, as docs/schemas/result-2.json has it."""
    made = _ADAPTER.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{SCHEMA}", **made}


def schema_text() -> str:
    """The published file: the schema as JSON, two spaces deep, ending in a newline."""
    return json.dumps(schema(), indent=2) + "\n"


def _problem(name: str, place: tuple[int | str, ...], what: str) -> Problem:
    path = ".".join(str(part) for part in place) or "the whole text"
    return Problem(Where(name), f"{path}: {what}", "the file must be as `jointrange run` wrote it")
