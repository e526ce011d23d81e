"""Small files of a user: a topology that has something wrong with it, and a campaign of one step."""

from __future__ import annotations

from tests.e2e.terminal import Terminal

CAMPAIGN = """
schema: jointrange.campaign/1
name: tiny
topology: pair
scenario: ./scenario.yaml
arms: {control: [], defended: [./watch/tool.yaml]}
"""

SCENARIO = """
schema: jointrange.scenario/1
name: tiny
title: One step
steps:
  - id: wait
    title: Wait
    technique: T1595
    from: {role: client}
    target: {role: server}
    run: "STEP"
    timeout: 60s
    effect: {output: never}
benign:
  - {id: browse, title: Ping, from: {role: server}, target: {role: client}, run: "ping -c1 $TARGET", every: 200ms}
gap: 0s
settle: 0s
"""

TOOL = """
schema: jointrange.tool/1
name: watch
title: A log that is followed
place: {on: {role: server}}
alerts:
  - {name: log, path: /var/log/watch.jsonl, format: jsonlines, fields: {rule: rule, title: title, time: time}}
"""

PAIR = """
schema: jointrange.topology/1
name: pair
networks: {lan: {cidr: 10.0.0.0/24}}
defaults: {image: jointrange/base, networks: [lan]}
nodes:
  one: {}
  two: {NODE}
"""


def a_campaign(terminal: Terminal, step: str) -> str:
    """A campaign over `pair` with one step and one tool that never says anything; its path."""
    terminal.write("scenario.yaml", SCENARIO.replace("STEP", step))
    terminal.write("watch/tool.yaml", TOOL)
    return terminal.write("campaign.yaml", CAMPAIGN)


def a_pair(terminal: Terminal, node: str) -> str:
    """The topology `pair` with something added to its node `two`; its path."""
    return terminal.write("pair.yaml", PAIR.replace("NODE", node))
