"""Each way out of a tool's own nodes is refused with its position; ordinary playbooks pass."""

from __future__ import annotations

import time

import pytest

from range.provisioner.jinja_rules import TOKENS_MOST
from range.provisioner.policy import task_count, violations
from range.provisioner.tree import READ_MOST, TreeFile

GOOD = """\
- name: Install it
  hosts: tool
  gather_facts: false
  vars:
    connection: a variable may be called so
  pre_tasks:
    - name: Packages
      ansible.builtin.apt: {name: [suricata, jq], state: present, update_cache: true}
  tasks:
    - name: Rules
      ansible.builtin.copy:
        src: files/local.rules
        dest: /etc/suricata/rules/local.rules
        mode: "0644"
    - name: More rules
      ansible.builtin.template:
        src: "templates/{{ item }}.j2"
        dest: "/etc/suricata/{{ item }}"
      loop: [suricata.yaml, threshold.config]
    - name: Unpack what is there already
      ansible.builtin.unarchive: {src: /opt/a.tar.gz, dest: /opt, remote_src: true}
    - block:
        - name: Run it
          ansible.builtin.shell: cd /opt && ../opt/run < /etc/passwd
          args: {chdir: /opt}
          when: port | int > 0
          become: true
      rescue:
        - ansible.builtin.fail: {msg: "it said {{ lookup('vars', 'message') }}"}
    - ansible.builtin.include_tasks: tasks/more.yml
  handlers:
    - name: Reload
      ansible.builtin.command: systemctl reload suricata
"""


def files(**texts: str) -> tuple[TreeFile, ...]:
    return tuple(
        TreeFile(name.replace("__", "/").replace("_yml", ".yml"), text.encode(), "") for name, text in texts.items()
    )


def task(text: str) -> tuple[TreeFile, ...]:
    return files(install_yml=f"- hosts: tool\n  tasks:\n    - name: x\n      {text}\n")


def test_an_ordinary_playbook_passes() -> None:
    assert violations(files(install_yml=GOOD, tasks__more_yml="- ansible.builtin.ping:\n")) == ()


def test_the_fault_is_shown_where_it_is() -> None:
    (problem,) = violations(task("delegate_to: localhost"))
    assert str(problem).startswith("install.yml:4:7: `delegate_to` is not allowed\n    hint: ")


@pytest.mark.parametrize(
    "text",
    [
        "connection: local",
        "delegate_to: '{{ other }}'",
        "local_action: command id",
        "action: copy src=/etc/passwd dest=/x",
        "ansible.builtin.add_host: {name: x}",
        "add_host: name=x",
        "vars: {ansible_connection: local}",
        "ansible.builtin.set_fact: {ansible_host: localhost}",
        "ansible.builtin.debug: {msg: \"{{ lookup('pipe', 'id') }}\"}",
        "when: lookup('pipe', 'id') == ''",
        "with_file: /etc/passwd",
        "with_lines: id",
        "with_ansible.builtin.pipe: id",
        "with_fileglob: /etc/*",
        "ansible.builtin.copy: {src: /etc/passwd, dest: /x}",
        "ansible.builtin.copy: {src: ../../../etc/passwd, dest: /x}",
        "ansible.builtin.copy: {src: '{{ item }}', dest: /x}",
        "ansible.builtin.copy: {src: ~/.ssh/id, dest: /x}",
        "ansible.builtin.copy: src=/etc/passwd dest=/x",
        "copy: {dest: /x}\n      args: {src: /etc/passwd}",
        "ansible.builtin.template: {src: 'files/{{ x }}/../../../etc/passwd', dest: /x}",
        "ansible.builtin.template: {src: a, dest: /x, variable_start_string: '[['}",
        "ansible.builtin.script: /usr/bin/id",
        "ansible.builtin.script: {cmd: ../id}",
        "ansible.builtin.unarchive: {src: /etc/a.tar, dest: /x, remote_src: no}",
        "ansible.builtin.assemble: {src: /etc, dest: /x}",
        "ansible.builtin.fetch: {src: /x, dest: /tmp/x}",
        "ansible.builtin.include_vars: /etc/secret.yml",
        "ansible.builtin.include_vars: {dir: /etc}",
        "ansible.builtin.include_tasks: /tmp/x.yml",
        "ansible.builtin.include_tasks: ../x.yml",
        "ansible.builtin.include_tasks: files/x.yml",
        "ansible.builtin.include_tasks: x.txt",
        "ansible.builtin.include_role: {name: ../../other}",
        "ansible.builtin.copy: {src: 'files/{{ item }}', dest: /x}\n      loop: [../../../etc/passwd]",
        "block:\n        - delegate_to: localhost",
    ],
)
def test_a_task_that_leaves_its_nodes_is_refused(text: str) -> None:
    found = violations(task(text))
    assert found
    assert not any("not YAML" in problem.what for problem in found), "the case itself is broken"


@pytest.mark.parametrize(
    "play",
    [
        "- hosts: localhost\n",
        "- hosts: [tool, localhost]\n",
        "- hosts: '{{ where }}'\n",
        "- hosts: tool:localhost\n",
        "- hosts: tool\n  connection: local\n",
        "- hosts: tool\n  vars_prompt: [{name: x}]\n",
        "- hosts: tool\n  vars_files: [/etc/x.yml]\n",
        "- hosts: tool\n  vars: {ansible_connection: local}\n",
        "- hosts: tool\n  strategy: other\n",
        "- hosts: tool\n  roles: [/etc/role]\n",
        "- hosts: tool\n  roles: [{role: ../other}]\n",
        "- hosts: tool\n  roles: [{role: a, delegate_to: localhost}]\n",
        "- hosts: tool\n  module_defaults: {copy: {src: /etc/passwd}}\n",
        "- import_playbook: ../other.yml\n",
        "- import_playbook: /x.yml\n",
        "- &a\n  hosts: tool\n- <<: {connection: local}\n  hosts: tool\n",
    ],
)
def test_a_play_that_leaves_its_nodes_is_refused(play: str) -> None:
    found = violations(files(install_yml=play))
    assert found
    assert not any("not YAML" in problem.what for problem in found), "the case itself is broken"


def test_what_cannot_be_read_cannot_be_checked() -> None:
    (problem,) = violations(files(install_yml="- hosts: tool\n  tasks: [\n"))
    assert "not YAML" in problem.what
    assert problem.where.line == 3


@pytest.mark.parametrize(
    "name",
    [
        "library/x.py",
        "roles/a/library/x.py",
        "filter_plugins/x.py",
        "action_plugins/x.py",
        "connection_plugins/x.py",
        "group_vars/all",
        "host_vars/web.yml",
        "collections/x/y.yml",
        "ansible.cfg",
    ],
)
def test_what_ansible_would_load_by_itself_is_refused(name: str) -> None:
    assert violations((TreeFile(name, b"", ""),))


def test_payload_may_be_called_as_it_likes() -> None:
    assert (
        violations((TreeFile("files/library/x.py", b"import os", ""), TreeFile("files/a.yml", b"{{ no yaml", ""))) == ()
    )


def test_links_are_refused() -> None:
    (problem,) = violations((TreeFile("files/x", b"", "", link=True),))
    assert problem.what == "a symbolic link"


@pytest.mark.parametrize("text", ["x\n{{ lookup('pipe', 'id') }}\n", "#jinja2: variable_start_string:'[['\n"])
def test_templates_are_checked_too(text: str) -> None:
    assert violations((TreeFile("templates/x.j2", text.encode(), ""),))
    assert violations((TreeFile("files/x.conf", text.encode(), ""),))


def test_roles_are_checked_file_by_file() -> None:
    (problem,) = violations(files(roles__a__tasks__main_yml="- local_action: command id\n"))
    assert problem.where.file == "roles/a/tasks/main.yml"


BOMB = "- hosts: tool\n  vars:\n    v0: &v0 {x: 1}\n" + "".join(
    f"    v{level}: &v{level} {{<<: [{', '.join([f'*v{level - 1}'] * 9)}]}}\n" for level in range(1, 12)
)
BLOCKS = "- hosts: tool\n  tasks:\n    - &b0 {ping: }\n" + "".join(
    f"    - &b{level} {{block: [{', '.join([f'*b{level - 1}'] * 9)}]}}\n" for level in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "install.yml:4:14: a merge key"),
        (BLOCKS, "install.yml:4:20: `*b0`: an alias"),
        ("[" * 5000, "install.yml:1:41: nested deeper than 40 levels"),
        ("- &a {block: [*a]}", "install.yml:1:15: `*a`: an alias"),
        ("- &a\n  hosts: tool\n  tasks:\n    - *a\n", "install.yml:4:7: `*a`: an alias"),
        ("- &a\n  <<:\n    - <<: *a\n", "install.yml:2:3: a merge key"),
        ("- hosts: tool\n  tasks:\n  - when: " + "q(" * 5000, "install.yml:3:11: Jinja that nests without end"),
        ("- hosts: tool\n  vars: {a: '{{ q + " + "1" * 5000 + " }}'}", "install.yml:2:13: Jinja that nests"),
    ],
    ids=["merges", "blocks", "brackets", "own block", "own play", "own merge", "calls", "digits"],
)  # fmt: skip
def test_what_unfolds_or_nests_without_end_is_refused_at_once(text: str, said: str) -> None:
    tree, began = files(install_yml=text), time.process_time()
    (problem,) = violations(tree)
    assert str(problem).startswith(said)
    assert task_count(tree, "install.yml") in (0, 1)
    assert time.process_time() - began < 5


def test_a_template_that_nests_without_end_is_refused() -> None:
    (problem,) = violations((TreeFile("templates/x.j2", b"a {{ q" + b"(" * 5000, ""),))
    assert "nests without end" in problem.what


def test_a_long_template_is_looked_through_as_far_as_it_may_be() -> None:
    """Many large ones together cost no more than one."""
    long = "{{ port }}, quite\n" * TOKENS_MOST
    began = time.process_time()
    found = violations(tuple(TreeFile(f"templates/{number}.j2", long.encode(), "") for number in range(8)))
    assert {problem.what.partition(":")[0] for problem in found} == {
        "with this there is more Jinja than is looked through"
    }
    assert time.process_time() - began < 20
    short = TreeFile("templates/x.j2", ("{{ port }}, quite\n" * 500).encode(), "")
    assert violations((short,)) == ()


@pytest.mark.parametrize("name", ["install.yml", "vars/x.json", "templates/x", "x.j2", "files/x.j2"])
def test_what_is_too_large_to_be_looked_through_is_refused(name: str) -> None:
    (problem,) = violations((TreeFile(name, b"", "", large=True),))
    assert problem.where.file == name
    assert f"more than {READ_MOST >> 20} MiB" in problem.what
    assert violations((TreeFile("files/image.bin", b"", "", large=True),)) == ()


@pytest.mark.parametrize("name", ["files/install.yml", "templates/install.yml", "install", "install.txt"])
def test_what_the_manifest_calls_a_playbook_is_looked_at_as_one(name: str) -> None:
    tree = (TreeFile(name, b"- hosts: localhost\n", ""),)
    assert violations(tree, {name})
    assert violations(tree) == ()


def test_a_role_needs_no_ending() -> None:
    (problem,) = violations((TreeFile("roles/a/tasks/main", b"- local_action: command id\n", ""),))
    assert "local_action" in problem.what


def test_a_long_word_is_not_repeated_whole() -> None:
    (problem,) = violations(files(install_yml="- hosts: " + "x" * 9999))
    assert len(problem.what) < 200


def test_no_file_to_include_is_none_to_refuse() -> None:
    assert violations(task('include_tasks: ""')) == ()


def test_every_fault_is_told_at_once() -> None:
    assert (
        len(violations(files(install_yml="- hosts: localhost\n  connection: local\n  tasks:\n    - local_action: x\n")))
        == 3
    )


def test_tasks_are_counted_through_blocks() -> None:
    assert task_count(files(install_yml=GOOD), "install.yml") == 6
    assert task_count((), "install.yml") == 0
    assert task_count(files(install_yml="]"), "install.yml") == 0
