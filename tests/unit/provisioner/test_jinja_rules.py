"""Which Jinja reads from the machine that runs the playbook."""

from __future__ import annotations

import pytest

from range.provisioner.jinja_rules import in_template, in_value


@pytest.mark.parametrize(
    "text",
    [
        "{{ lookup('pipe', 'id') }}",
        "{{ lookup('ansible.builtin.file', '/etc/passwd') }}",
        "{{ query('env', 'HOME') }}",
        "{{ q('url', 'http://example.org') }}",
        "{{ lookup(kind, 'id') }}",
        "{{ lookup() }}",
        "{{ lookup('pi' ~ 'pe', 'id') }}",
        "{% set l = lookup %}{{ l('pipe', 'id') }}",
        "{{ ['pipe'] | map(lookup) }}",
        "{% for x in query('fileglob', '/etc/*') %}{{ x }}{% endfor %}",
        "{{ [lookup][0]('pipe', 'id') }}",
        "text before {{ 'a' if lookup('pipe', 'id') else 'b' }}",
        "{{ lookup('pipe', 'id' }}",
    ],
)
def test_reading_from_this_machine_is_found(text: str) -> None:
    assert list(in_value(text))
    assert list(in_template("first line\n" + text))


@pytest.mark.parametrize(
    "text",
    [
        "{{ lookup('vars', 'port') }}",
        "{{ query('ansible.builtin.dict', settings) }}",
        "{{ q }}"[:0] + "{{ port }}",
        "look up (lookup('pipe')) in plain text",
        "{{ node_addresses['dmz'] | default('none') }}",
        "{{ 'the word lookup in a string' }}",
        "{{ settings.lookup }}",
    ],
)
def test_variables_are_free(text: str) -> None:
    assert not list(in_value(text))
    assert not list(in_template(text))


def test_conditions_are_expressions_without_braces() -> None:
    assert list(in_value("lookup('pipe', 'id') == 'x'", "when"))
    assert not list(in_value("lookup('pipe', 'id') == 'x'", "msg"))


def test_templates_say_the_line() -> None:
    assert [line for line, _ in in_template("a\n{{ b }}\n{{ lookup('env', 'HOME') }}\n")] == [3]
