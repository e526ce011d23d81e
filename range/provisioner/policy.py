"""The rules a partner's playbook must keep, checked before anything runs. Pure.

Knows: every way we know in which a playbook acts on, or reads from, the machine that runs it instead of its nodes.
Must never: be the only line. Behind it, the connection is forced to the broker of the run, which serves the run's
own hosts and nothing else.

    playbook files -> problems, each with file:line:col and a hint; none means it may run.

What is refused: `connection`, `delegate_to`, `local_action`, `action`, `vars_prompt`, `add_host`; variables that begin
with ansible_; lookups but for a few harmless ones; hosts other than the tool's; plugins, modules, configuration and
variables by folder; paths of this machine that are absolute or lead out of the folder; symbolic links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from range.errors import Problem, Where
from range.provisioner import jinja_rules
from range.provisioner.tree import MANIFEST, TreeFile

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

_READS_TASKS = frozenset(["include_tasks", "import_tasks", "import_playbook", "include", "include_vars"])
_FOLDER_HINT = "name a file of the tool's folder, relative, without `..`, e.g. files/{{ item }}"


def violations(tree: Sequence[TreeFile]) -> tuple[Problem, ...]:
    """Every rule the folder breaks, by position."""
    found: list[Problem] = []
    for file in tree:
        found += _about_file(file)
        if file.link:
            continue
        if file.is_yaml and file.name != MANIFEST and not _is_payload(file.path):
            found += _File(file).problems()
        else:
            found += _about_payload(file)
    return tuple(sorted(set(found), key=lambda problem: problem.where))


def task_count(tree: Sequence[TreeFile], playbook: str) -> int:
    """How many tasks the playbook itself lists (those it includes are not counted)."""
    text = next((file.content.decode("utf-8", "replace") for file in tree if file.name == playbook), "")
    try:
        return sum(_count(play) for play in yaml.safe_load(text) or [])
    except (yaml.YAMLError, TypeError):
        return 0


def _count(entry: object) -> int:
    if not isinstance(entry, dict):
        return 0
    lists = [entry[key] for key in entry if key in _STRUCTURE - {"handlers", "roles", "rescue"}]
    if not lists:
        return 0 if "hosts" in entry else 1
    return sum(_count(task) for tasks in lists for task in tasks or [])


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


def _about_payload(file: TreeFile) -> Iterator[Problem]:
    """A file that may be used as a template."""
    text = file.content.decode("utf-8", "replace")
    if text.startswith("#jinja2:"):
        yield Problem(Where(file.name), "a `#jinja2:` header", "leave Jinja's marks as they are")
    for line, what in jinja_rules.in_template(text):
        yield Problem(Where(file.name, line), what, jinja_rules.HINT)


class _File:
    """One YAML file being checked."""

    def __init__(self, file: TreeFile) -> None:
        self._name = file.name
        self._folder = file.path.parent
        self._text = file.content.decode("utf-8", "replace")
        self._found: list[Problem] = []
        self._seen: set[int] = set()

    def problems(self) -> list[Problem]:
        """Every rule this file breaks."""
        try:
            documents = list(yaml.compose_all(self._text, Loader=yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = Where(self._name, mark.line + 1, mark.column + 1) if mark else Where(self._name)
            return [Problem(where, f"not YAML: {error.problem}", "mend the file")]
        except yaml.YAMLError as error:
            return [Problem(Where(self._name), f"not YAML: {error}", "mend the file")]
        for document in documents:
            self._values(document)
            if isinstance(document, yaml.SequenceNode):
                self._seen.clear()
                self._entries(document)
        return self._found

    def _say(self, node: yaml.Node, what: str, hint: str) -> None:
        mark = node.start_mark
        self._found.append(Problem(Where(self._name, mark.line + 1, mark.column + 1), what, hint))

    # ── everywhere: variables and Jinja ──────────────────────────────────────────────────────────────────────

    def _values(self, node: yaml.Node | None, key: str = "") -> None:
        if node is None or id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            for what in jinja_rules.in_value(str(node.value), key):
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
                node, f"the variable {name} is not the playbook's to set", "Jointrange says how a node is reached"
            )
        if name.startswith("with_") and name.removeprefix("with_") not in jinja_rules.LOOKUPS:
            self._say(node, f"{name} reads from the machine that runs the playbook", "use `loop` with a list")

    # ── plays, blocks and tasks ──────────────────────────────────────────────────────────────────────────────

    def _entries(self, node: yaml.Node) -> None:
        if id(node) in self._seen or not isinstance(node, yaml.SequenceNode):
            return
        self._seen.add(id(node))
        for entry in node.value:
            if isinstance(entry, yaml.MappingNode):
                self._entry(entry)

    def _entry(self, entry: yaml.MappingNode) -> None:
        pairs = list(_pairs(entry))
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
            if node.value not in HOSTS:
                self._say(node, f"hosts: {node.value} are not the tool's", "write `hosts: tool`")

    def _roles(self, value: yaml.Node) -> None:
        for node in value.value if isinstance(value, yaml.SequenceNode) else []:
            if isinstance(node, yaml.ScalarNode):
                self._path(node, "role")
            elif isinstance(node, yaml.MappingNode):
                for key, inner in _pairs(node):
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
                self._say(node, f"{name} changes Jinja's marks", "leave Jinja's marks as they are")
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
                    self._say(node, f"{node.value} leads out of the tool's folder", _FOLDER_HINT)

    def _path(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.ScalarNode):
            return
        text = str(node.value).strip().strip("\"'")
        if text.startswith(("/", "~", "{{", "{%")) or ".." in PurePosixPath(text.split("{{")[0]).parts or "/.." in text:
            self._say(node, f"{what}: {text} may lead out of the tool's folder", _FOLDER_HINT)
        elif what in _READS_TASKS and ("{{" in text or text.split("/")[0] in _PAYLOAD_FOLDERS):
            self._say(node, f"{what}: {text} cannot be checked", "name a YAML file outside files/ and templates/")
        elif what in _READS_TASKS and PurePosixPath(text.split()[0]).suffix not in (".yml", ".yaml", ".json"):
            self._say(node, f"{what}: {text} is not a YAML file", "name a file that ends in .yml")


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Key and value nodes, those of merged (`<<`) mappings included."""
    for key, value in node.value:
        if key.value == "<<":
            for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(merged, yaml.MappingNode) and merged is not node:
                    yield from _pairs(merged)
        else:
            yield key, value


def _arguments(value: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """A module's arguments: from a mapping, or from one line of `key=value` words and free text."""
    if isinstance(value, yaml.MappingNode):
        for key, inner in _pairs(value):
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
