"""Which Jinja reads from the machine that runs the playbook."""

from __future__ import annotations

import pytest

from range.provisioner.jinja_rules import TOKENS_MOST, Jinja


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
    assert list(Jinja().in_value(text))
    assert list(Jinja().in_template("first line\n" + text))


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
    assert not list(Jinja().in_value(text))
    assert not list(Jinja().in_template(text))


def test_conditions_are_expressions_without_braces() -> None:
    assert list(Jinja().in_value("lookup('pipe', 'id') == 'x'", "when"))
    assert not list(Jinja().in_value("lookup('pipe', 'id') == 'x'", "msg"))


def test_templates_say_the_line() -> None:
    assert [line for line, _ in Jinja().in_template("a\n{{ b }}\n{{ lookup('env', 'HOME') }}\n")] == [3]


@pytest.mark.parametrize("text", ["{{ q" + "(" * 3000, "{% if q %}" * 3000, "{{ q + " + "7" * 5000 + " }}"])
def test_what_cannot_be_looked_through_is_refused(text: str) -> None:
    assert [what for _, what in Jinja().in_template(text)] == [
        "Jinja that nests without end, or has an endless number, is not looked through"
    ]


@pytest.mark.parametrize("joined", ["+", "|", "."])
def test_a_long_chain_is_looked_through(joined: str) -> None:
    text = "{{ " + f"a{joined}" * 5000 + "a }}{{ q }}"
    assert [line for line, _ in Jinja().in_template(text)] == [1]


def test_one_folder_has_so_many_words_and_no_more() -> None:
    jinja = Jinja()
    text = "{{ port }} quite\n" * (TOKENS_MOST // 6)
    assert not list(jinja.in_template(text))
    ((_, what),) = jinja.in_template(text)
    assert "more Jinja than is looked through" in what
    assert list(jinja.in_template("{{ q }}")), "and nothing after it is taken for good"
    assert not list(jinja.in_template("no Jinja, quite"))
