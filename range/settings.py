"""Settings: what this installation was told, by a file and by environment, once.

Knows: the names and defaults (docs/settings.md explains each); that the environment goes before the file, and the file
before the defaults. Must never: be read by anything but range/wiring.py, range/cli and the API; everything below gets
plain values.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from range.errors import Fault, Invalid, NotFound, Problem, Where
from range.references import ENTRY
from range.service.issuers import Issuer, check_together

PREFIX = "JOINTRANGE_"
FILE = f"{PREFIX}CONFIG"
PUBLISHED = f"{PREFIX}PORT"
OURS = frozenset((f"{PREFIX}EXEC", FILE, PUBLISHED))
"""Variables with our prefix that are no settings: a mark of ours, the name of the file, and the port that
api/container/compose.yaml publishes the service on."""
ISSUER = "issuer"

INSTANCE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}"
PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
LISTEN = rf"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):{PORT}"
SIZE = r"([1-9][0-9]*(k|m|g))?"
REGISTRIES = rf"\s*({ENTRY}\s*(,\s*{ENTRY}\s*)*)?"
DURATION = r"[0-9]{1,9}(\.[0-9]{1,3})?(s|m|h|d)"


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings; each is the environment variable `JOINTRANGE_<NAME>`, or a key of the file."""

    docker_host: str = ""
    """Engine endpoint; empty means DOCKER_HOST, else the local socket."""

    instance: str = "default"
    """Whose ranges these are. Installations that share an engine need different ones."""

    results: str = "results"
    """Folder for results, one sub-folder a run."""

    cache: str = "~/.cache/jointrange"
    """Folder for locks, build stamps, and control trials that later runs may take over."""

    workers: int = 0
    """Containers started at once; 0 means twice the engine's processors."""

    jobs: int = 2
    """Trials run at once."""

    registries: str = ""
    """From where images may be pulled, comma-separated; empty: public registries for a service, any without one."""

    server: str = ""
    """The service that the command line asks; empty: none, it does everything itself."""

    token: str = field(default="", repr=False)
    """The API token for `server`."""

    listen: str = "127.0.0.1:8080"
    """Where the service listens."""

    hosts: str = ""
    """Names under which the service may be asked, besides the one it listens on and localhost; comma-separated."""

    data: str = "~/.local/share/jointrange"
    """Folder of the service: its SQLite database, runs, unpacked documents. Replicas share it."""

    database: str = field(default="", repr=False)
    """URL of the service's database, perhaps with a password; empty: SQLite in `data`."""

    database_password_file: str = ""
    """File with the database's password, so that it need not stand in `database`."""

    cpus: int = 0
    """Processors ranges of the service may use; 0: four for each one the engine has, since most nodes idle."""

    memory: str = ""
    """Memory ranges of the service may use; empty: four fifths of the engine's."""

    lease: str = "8h"
    """How long a range of the service lives when nobody said."""

    keep_events: str = "7d"
    """How long the service keeps events."""

    log: str = "text"
    """How the service logs: text or json."""

    issuers: tuple[Issuer, ...] = ()
    """OIDC issuers whose tokens the service takes; tables `[[issuer]]` of the file."""

    @property
    def cache_folder(self) -> Path:
        """The cache folder, home expanded."""
        return Path(self.cache).expanduser()

    @property
    def registry_list(self) -> tuple[str, ...]:
        """The entries of `registries`, in the words of range/references.py."""
        return tuple(entry.strip() for entry in self.registries.split(",") if entry.strip())

    @property
    def data_folder(self) -> Path:
        """The service's folder, home expanded, absolute."""
        return Path(self.data).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """Where the service's rows are."""
        return self.database or f"sqlite:///{self.data_folder / 'jointrange.db'}"


SECRET = frozenset(("token", "database"))
"""Settings whose value no error shows."""

CHECKS: Mapping[str, tuple[str, str, str]] = {
    "instance": (INSTANCE, "which cannot begin a container's name", "e.g. ci-2"),
    "listen": (LISTEN, "which is no address and port", "e.g. 127.0.0.1:8080, or 0.0.0.0:8080 behind a TLS proxy"),
    "memory": (SIZE, "which is no size", "e.g. 16g"),
    "registries": (REGISTRIES, "which is no list of registries", "e.g. public, registry.example:5000/ours"),
    "lease": (DURATION, "which is no duration", "e.g. 90m, 8h, 7d"),
    "keep_events": (DURATION, "which is no duration", "e.g. 7d"),
    "log": ("text|json", "which is no way to log", "text or json"),
    "token": (r"[!-~]*", "which has characters that no token has", "the token and nothing else"),
    "database": (r"\S*", "which has blanks in it", "e.g. postgresql+psycopg://jointrange@db.example/jointrange"),
    "server": (r"(https?://[^\s/]+.*)?", "which is no URL", "e.g. https://range.example:8443"),
    "jobs": ("[1-9][0-9]*", "so no trial would ever run", "e.g. 2"),
}
"""By name: what its text must look like, what is wrong with another, and an example."""


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the file that JOINTRANGE_CONFIG names, if it does, and the environment.

    Raises Invalid naming everything in both that is wrong or unknown; NotFound when there is no such file.
    """
    given = os.environ if environment is None else environment
    problems: list[Problem] = []
    values = _from_file(Path(given[FILE]), problems) if given.get(FILE) else {}
    known = {PREFIX + field.name.upper(): field.name for field in fields(Settings) if field.name != "issuers"}
    for name, text in sorted(given.items()):
        if not name.startswith(PREFIX) or name in OURS:
            continue
        fault: Fault | None
        if name not in known:
            fault = Fault((name,), f"unknown setting `{name}`", "known: " + ", ".join(sorted(known)))
        else:
            values[known[name]], fault = _value(known[name], name, text)
        if fault is not None:
            problems.append(Problem(Where("environment", 0, 0), fault.what, fault.hint))
    if problems:
        raise Invalid(problems)
    return Settings(**values)


def _value(name: str, shown: str, given: Any) -> tuple[Any, Fault | None]:
    """A setting's value from what was given, or what is wrong with it."""
    text = str(given).strip() if name in SECRET else str(given)
    seen = "(not shown here)" if name in SECRET else f"`{text}`"
    number = next(field for field in fields(Settings) if field.name == name).type == "int"
    if number and not (text.isascii() and text.isdecimal()):
        return None, Fault((name,), f"`{shown}` is `{text}`, which is no whole number", "e.g. 2")
    if not number and not isinstance(given, str):
        return None, Fault((name,), f"`{shown}` is no text", f'e.g. {name} = "..."')
    pattern, wrong, hint = CHECKS.get(name, (".*", "", ""))
    if not re.fullmatch(pattern, text):
        return None, Fault((name,), f"`{shown}` is {seen}, {wrong}", hint)
    return (int(text) if number else text), None


def _from_file(path: Path, problems: list[Problem]) -> dict[str, Any]:
    """The settings of a TOML file; what is wrong goes to `problems`, with its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(
            f"cannot read {path}: {error.strerror}", hint=f"{FILE} names the settings' file; unset it, or make the file"
        ) from error
    except UnicodeDecodeError as error:
        raise Invalid([Problem(Where(str(path)), "not UTF-8 text", "save it as UTF-8")]) from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid([Problem(_where_of(path, str(error)), str(error), "it must be TOML")]) from error
    lines = text.splitlines()
    values: dict[str, Any] = {}
    known = {field.name for field in fields(Settings)} - {"issuers"}
    for name, given in table.items():
        if name == ISSUER:
            values["issuers"] = _issuers(path, lines, given, problems)
            continue
        if name in known:
            values[name], fault = _value(name, name, given)
        else:
            fault = Fault((name,), f"unknown setting `{name}`", "known: " + ", ".join(sorted({*known, ISSUER})))
        if fault is not None:
            problems.append(Problem(_line_of(path, lines, name), fault.what, fault.hint))
    return values


def _issuers(path: Path, lines: list[str], given: Any, problems: list[Problem]) -> tuple[Issuer, ...]:
    """The tables `[[issuer]]`."""
    heads = [number for number, line in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{ISSUER}\s*\]\]", line)]
    made = []
    for index, table in enumerate(given if isinstance(given, list) else [given]):
        where = Where(str(path), heads[index] if index < len(heads) else 1, 1)
        issuer = _attempt(lambda table=table: Issuer.from_table(table), where, problems)  # type: ignore[misc]
        if issuer is not None:
            made.append(issuer)
    try:
        check_together(made)
    except ValueError as error:
        problems.append(Problem(Where(str(path), heads[0] if heads else 1, 1), str(error), "docs/access.md"))
    return tuple(made)


def _attempt(make: Callable[[], Issuer], where: Where, problems: list[Problem]) -> Issuer | None:
    try:
        return make()
    except (TypeError, ValueError) as error:
        problems.append(Problem(where, f"this issuer is not right: {error}", "docs/access.md shows one"))
        return None


def _where_of(path: Path, said: str) -> Where:
    """The position in tomllib's words: `... (at line 3, column 7)`."""
    found = re.search(r"at line (\d+), column (\d+)", said)
    return Where(str(path), int(found[1]), int(found[2])) if found else Where(str(path))


def _line_of(path: Path, lines: list[str], key: str) -> Where:
    """Where a key of the file's top level stands."""
    for number, line in enumerate(lines, 1):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]|\s*\[+\s*{re.escape(key)}\s*\]", line):
            return Where(str(path), number, len(line) - len(line.lstrip()) + 1)
    return Where(str(path))
