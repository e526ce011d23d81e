"""The rules a partner's playbook must keep, checked before anything runs. Pure.

Knows: every way we know in which a playbook acts on, or reads from, the machine that runs it instead of its nodes.
Must never: be the only line, or read without a bound (reading.py and jinja_rules.py have the bounds): whoever writes
a playbook may mean this check, which runs in the service's own process. Behind it, the connection is forced to the
broker of the run, which serves the run's own hosts and nothing else.

    playbook files -> problems, each with file:line:col and a hint; none means it may run.

What is refused: `connection`, `delegate_to`, `local_action`, `action`, `vars_prompt`, `add_host`; variables that begin
with ansible_; lookups but for a few harmless ones; hosts other than the tool's; plugins, modules, configuration and
variables by folder; paths of this machine that are absolute or lead out of the folder; symbolic links; and what
cannot be looked through: YAML that unfolds, and more of it, or of Jinja, than a person writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from range.errors import Invalid, Problem, Where
from range.provisioner import jinja_rules
from range.provisioner.jinja_rules import Jinja
from range.provisioner.reading import Reader
from range.provisioner.tree import MANIFEST, READ_MOST, TreeFile

HOSTS = ("tool", "all", "builder")
_PLUGIN_KINDS = (
    *("action", "become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup"),
    *("netconf", "shell", "strategy", "terminal", "test", "vars"),
)
_PLUGIN_FOLDERS = frozenset(
    ["library", "module_utils", "doc_fragments", "collections", "group_vars", "host_vars", "plugins", "modules"]
    + [f"{kind}_plugins" for kind in _PLUGIN_KINDS]
)
_PAYLOAD_FOLDERS = ("files", "templates")
_STRUCTURE = frozenset(["tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always", "roles"])
_FORBIDDEN: Mapping[str, str] = {
    "connection": "leave it out: every task reaches its node through Jointrange's own connection",
    "delegate_to": "a task runs on the tool's own nodes; use `when` to choose among them",
    "delegate_facts": "leave it out",
    "local_action": "a task runs on the tool's own nodes, never on the machine that runs the playbook",
    "action": "write the module's name as the key of the task",
    "vars_prompt": "nobody is there to answer; put the value into `vars` of tool.yaml",
    "strategy": "leave it out",
}
_SOURCES: Mapping[str, tuple[str, ...]] = {
    "copy": ("src",),
    "template": ("src",),
    "assemble": ("src",),
    "script": ("cmd", "_raw_params"),
    "unarchive": ("src",),
    "uri": ("src",),
    "patch": ("src",),
    "fetch": ("dest",),
    "include_vars": ("file", "dir", "_raw_params"),
    "include_tasks": ("file", "_raw_params"),
    "import_tasks": ("file", "_raw_params"),
    "include_role": ("name", "tasks_from", "vars_from", "defaults_from", "handlers_from"),
    "import_role": ("name", "tasks_from", "vars_from", "defaults_from", "handlers_from"),
    "import_playbook": ("_raw_params",),
    "include": ("_raw_params",),
}
"""Modules that read or write on the machine that runs the playbook, and the arguments that say where."""

_TEMPLATES = (".j2", ".jinja", ".jinja2")
_SHOWN_MOST = 80

_READS_TASKS = frozenset(["include_tasks", "import_tasks", "import_playbook", "include", "include_vars"])
_FOLDER_HINT = "name a file of the tool's folder, relative, without `..`, e.g. files/{{ item }}"


def violations(tree: Sequence[TreeFile], playbooks: Collection[str] = ()) -> tuple[Problem, ...]:
    """Every rule the folder breaks, by position. `playbooks`: the files that the manifest says are some."""
    found: list[Problem] = []
    reader, jinja = Reader(), Jinja()
    for file in tree:
        found += _about_file(file)
        if file.link:
            continue
        if file.name in playbooks or (file.is_yaml and file.name != MANIFEST and not _is_payload(file.path)):
            found += _about_yaml(file, reader, jinja)
        else:
            found += _about_payload(file, jinja)
    return tuple(sorted(set(found), key=lambda problem: problem.where))


def task_count(tree: Sequence[TreeFile], playbook: str) -> int:
    """How many tasks the playbook itself lists (those it includes are not counted); 0 for one that breaks a rule."""
    content = next((file.content for file in tree if file.name == playbook), b"")
    try:
        return sum(_count(play) for play in _plays(Reader().documents(playbook, content)))
    except Invalid:
        return 0


def _plays(documents: Sequence[yaml.Node]) -> Iterator[yaml.Node]:
    for document in documents:
        if isinstance(document, yaml.SequenceNode):
            yield from document.value


def _count(entry: yaml.Node) -> int:
    if not isinstance(entry, yaml.MappingNode):
        return 0
    lists = [value for key, value in entry.value if key.value in _STRUCTURE - {"handlers", "roles", "rescue"}]
    if not lists:
        return 0 if any(key.value == "hosts" for key, _ in entry.value) else 1
    return sum(_count(task) for tasks in lists if isinstance(tasks, yaml.SequenceNode) for task in tasks.value)


def _is_payload(path: PurePosixPath) -> bool:
    """Whether the file lies in a folder whose content only ever travels to nodes."""
    return any(part in _PAYLOAD_FOLDERS for part in path.parts[:-1])


def _about_file(file: TreeFile) -> Iterator[Problem]:
    where = Where(file.name)
    if file.link:
        yield Problem(where, "a symbolic link", "put the file itself into the folder")
    if file.path.name in ("ansible.cfg", ".ansible.cfg"):
        yield Problem(where, "a configuration of Ansible's own", "remove it; Jointrange configures Ansible")
    for part in file.path.parts[:-1]:
        if part in _PAYLOAD_FOLDERS:
            return
        if part in _PLUGIN_FOLDERS:
            hint = "put values into `vars` of tool.yaml" if part.endswith("_vars") else "use Ansible's own modules"
            yield Problem(where, f"the folder {part}/ would be loaded by the machine that runs the playbook", hint)


def _about_yaml(file: TreeFile, reader: Reader, jinja: Jinja) -> list[Problem]:
    """A file that Ansible may read as YAML."""
    if file.large:
        return [_too_large(file)]
    try:
        return _File(file, jinja).problems(reader.documents(file.name, file.content))
    except Invalid as error:
        return list(error.problems)


def _about_payload(file: TreeFile, jinja: Jinja) -> Iterator[Problem]:
    """A file that may be used as a template."""
    if file.large and (file.path.suffix in _TEMPLATES or "templates" in file.path.parts[:-1]):
        yield _too_large(file)
    text = file.content.decode("utf-8", "replace")
    if text.startswith("#jinja2:"):
        yield Problem(Where(file.name), "a `#jinja2:` header", "leave Jinja's marks as they are")
    for line, what in jinja.in_template(text):
        yield Problem(Where(file.name, line), what, jinja_rules.HINT)


def _too_large(file: TreeFile) -> Problem:
    what = f"a file of more than {READ_MOST >> 20} MiB, which is too large to be looked through"
    return Problem(Where(file.name), what, "put data into files/, under a name that is no template's")


def _shown(text: str) -> str:
    """A word of a playbook as a problem repeats it."""
    return text if len(text) <= _SHOWN_MOST else text[:_SHOWN_MOST] + "…"


class _File:
    """One YAML file being checked."""

    def __init__(self, file: TreeFile, jinja: Jinja) -> None:
        self._name = file.name
        self._jinja = jinja
        self._found: list[Problem] = []

    def problems(self, documents: Sequence[yaml.Node]) -> list[Problem]:
        """Every rule this file breaks. Its nodes are few and not deep: the reader saw to that."""
        for document in documents:
            self._values(document)
            self._entries(document)
        return self._found

    def _say(self, node: yaml.Node, what: str, hint: str) -> None:
        mark = node.start_mark
        self._found.append(Problem(Where(self._name, mark.line + 1, mark.column + 1), what, hint))

    # ── everywhere: variables and Jinja ──────────────────────────────────────────────────────────────────────

    def _values(self, node: yaml.Node, key: str = "") -> None:
        if isinstance(node, yaml.ScalarNode):
            for what in self._jinja.in_value(str(node.value), key):
                self._say(node, what, jinja_rules.HINT)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._values(item, key)
        elif isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                self._key(name)
                self._values(name)
                self._values(value, str(name.value))

    def _key(self, node: yaml.Node) -> None:
        name = str(node.value)
        if name.startswith("ansible_") or "{{" in name:
            self._say(
                node,
                f"the variable {_shown(name)} is not the playbook's to set",
                "Jointrange says how a node is reached",
            )
        if name.startswith("with_") and name.removeprefix("with_") not in jinja_rules.LOOKUPS:
            self._say(node, f"{_shown(name)} reads from the machine that runs the playbook", "use `loop` with a list")

    # ── plays, blocks and tasks ──────────────────────────────────────────────────────────────────────────────

    def _entries(self, node: yaml.Node) -> None:
        for entry in node.value if isinstance(node, yaml.SequenceNode) else []:
            if isinstance(entry, yaml.MappingNode):
                self._entry(entry)

    def _entry(self, entry: yaml.MappingNode) -> None:
        pairs = entry.value
        extra = [value for key, value in pairs if key.value in ("args", "vars")]
        for key, value in pairs:
            name = str(key.value)
            short = name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
            if short in _FORBIDDEN:
                self._say(key, f"`{name}` is not allowed", _FORBIDDEN[short])
            elif short == "add_host":
                self._say(key, f"`{name}` is not allowed", "the hosts are those of the plan")
            elif short == "hosts":
                self._hosts(value)
            elif short in ("vars_files", "role", "src"):
                self._paths(value, short)
            elif short == "module_defaults" and isinstance(value, yaml.MappingNode):
                self._entry(value)
            elif short in _STRUCTURE:
                self._roles(value) if short == "roles" else self._entries(value)
            elif short in _SOURCES:
                self._module(short, value, extra)
            elif short in ("loop", "with_items", "with_list", "with_fileglob"):
                self._paths(value, short, strict=False)

    def _hosts(self, value: yaml.Node) -> None:
        for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            said = node.value if isinstance(node, yaml.ScalarNode) else "a list"
            if said not in HOSTS:
                self._say(node, f"hosts: {_shown(said)} are not the tool's", "write `hosts: tool`")

    def _roles(self, value: yaml.Node) -> None:
        for node in value.value if isinstance(value, yaml.SequenceNode) else []:
            if isinstance(node, yaml.ScalarNode):
                self._path(node, "role")
            elif isinstance(node, yaml.MappingNode):
                for key, inner in node.value:
                    if key.value in ("role", "name", "src"):
                        self._path(inner, "role")
                    elif key.value in _FORBIDDEN:
                        self._say(key, f"`{key.value}` is not allowed", _FORBIDDEN[str(key.value)])

    def _module(self, module: str, value: yaml.Node, extra: Sequence[yaml.Node]) -> None:
        arguments = list(_arguments(value))
        for more in extra:
            arguments += _arguments(more) if isinstance(more, yaml.MappingNode) else []
        remote = any(
            name == "remote_src" and str(node.value).lower() in ("true", "yes", "on", "1") for name, node in arguments
        )
        for name, node in arguments:
            if name.endswith(("_start_string", "_end_string")):
                self._say(node, f"{_shown(name)} changes Jinja's marks", "leave Jinja's marks as they are")
            if name in _SOURCES[module] and not (remote and name == "src"):
                self._path(node, module)

    def _paths(self, value: yaml.Node, what: str, *, strict: bool = True) -> None:
        for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(node, yaml.SequenceNode):
                self._paths(node, what, strict=strict)
            elif isinstance(node, yaml.ScalarNode):
                if strict or what == "with_fileglob":
                    self._path(node, what)
                elif ".." in PurePosixPath(str(node.value)).parts:
                    self._say(node, f"{_shown(str(node.value))} leads out of the tool's folder", _FOLDER_HINT)

    def _path(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.ScalarNode):
            return
        text = str(node.value).strip().strip("\"'")
        if text.startswith(("/", "~", "{{", "{%")) or ".." in PurePosixPath(text.split("{{")[0]).parts or "/.." in text:
            self._say(node, f"{what}: {_shown(text)} may lead out of the tool's folder", _FOLDER_HINT)
        elif what in _READS_TASKS and ("{{" in text or text.split("/")[0] in _PAYLOAD_FOLDERS):
            self._say(
                node, f"{what}: {_shown(text)} cannot be checked", "name a YAML file outside files/ and templates/"
            )
        elif what in _READS_TASKS and PurePosixPath(text.partition(" ")[0]).suffix not in (".yml", ".yaml", ".json"):
            self._say(node, f"{what}: {_shown(text)} is not a YAML file", "name a file that ends in .yml")


def _arguments(value: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """A module's arguments: from a mapping, or from one line of `key=value` words and free text."""
    if isinstance(value, yaml.MappingNode):
        for key, inner in value.value:
            yield str(key.value), inner
    elif isinstance(value, yaml.ScalarNode):
        free = []
        for word in str(value.value).split():
            name, mark, text = word.partition("=")
            if mark and name.isidentifier():
                yield name, yaml.ScalarNode(value.tag, text, value.start_mark, value.end_mark)
            else:
                free.append(word)
        if free:
            yield "_raw_params", yaml.ScalarNode(value.tag, " ".join(free), value.start_mark, value.end_mark)
