"""Bad input over a real socket: too much, too deep, out of place, from elsewhere. Refused quickly, no harm done."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from range.service.context import Limits
from tests.serving import Served, serving

TOPOLOGY = "schema: jointrange.topology/1\nname: mine\nnodes:\n  one: {image: jointrange/base}\n"
YAML = {"Content-Type": "application/yaml"}
QUICK = 8.0
"""Seconds of a processor that the worst document may take."""


def upload(
    client: httpx.Client, files: dict[str, str], main: str = "topology.yaml", kind: str = "topologies"
) -> httpx.Response:
    listed = [{"path": path, "text": text} for path, text in files.items()]
    return client.post(f"/v1/{kind}", json={"main": main, "files": listed})


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem of an answer, which must have this status."""
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    return found


def bombs() -> Iterator[tuple[str, str]]:
    head = "schema: jointrange.topology/1\nname: bomb\n"
    laughs = "".join(f"{c}: &{c} [{', '.join([f'*{chr(ord(c) - 1)}'] * 9)}]\n" for c in "bcdefghij")
    yield "billion-laughs", head + "a: &a [x, x, x, x, x, x, x, x, x]\n" + laughs
    yield "deep-lists", "[" * 250_000
    yield "deep-maps", "{a: " * 60_000
    yield "many-values", "- 1\n" * 60_000
    yield "many-keys", "".join(f"k{number}: 1\n" for number in range(9_000))
    yield "one-long-scalar", "a: " + "x" * 250_000
    yield "folded-lines", "a: " + "x\n " * 80_000
    yield "blank-lines", "\n" * 250_000
    yield "many-tags", "- !!python/object/apply:os.system [id]\n" * 6_000
    yield "many-faults", head + "nodes:\n" + "".join(f"  n{number}: {{bad: 1}}\n" for number in range(2_000))
    yield "too-large", head + "#" * 900_000
    yield "merge-keys", head + "a: &a {b: 1}\nc: {<<: *a}\n"
    yield "self-reference", head + "a: &a [*a]\n"


@pytest.mark.parametrize(("name", "text"), list(bombs()), ids=lambda value: value if len(value) < 30 else "")
def test_yaml_bombs_are_refused_quickly(admin: httpx.Client, name: str, text: str) -> None:
    begun = time.process_time()
    found = problem(admin.post("/v1/topologies", content=text, headers=YAML), 422)
    assert time.process_time() - begun < QUICK
    assert 1 <= len(found["errors"]) <= 100
    assert found["errors"][0]["line"] >= 1
    assert len(json.dumps(found)) < 100_000


def test_looks_go_on_while_documents_are_read(served: Served, admin: httpx.Client) -> None:
    key, text = served.launched(admin)["id"], "a: " + "x\n " * 80_000
    codes: list[int] = []

    def read() -> None:
        codes.append(served.client().post("/v1/topologies", content=text, headers=YAML, timeout=120).status_code)

    uploads = [threading.Thread(target=read) for _ in range(3)]
    for one in uploads:
        one.start()
    looks = 0
    while any(one.is_alive() for one in uploads):
        assert admin.get(f"/v1/ranges/{key}").status_code == 200
        looks += any(one.is_alive() for one in uploads)
    assert looks > 2, "a look waits for no document"
    assert 422 in codes
    assert {*codes} <= {422, 503}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../up",
        "a/../../b",
        "./a",
        "a//b",
        "a/",
        "",
        "a\\b",
        "..\\b",
        "nul\0byte",
        "a\nb",
        "C:evil",
        "~root",
        "a" * 201,
        "a" * 101,
        "/".join("abcdefghijklmnop"),
        ".",
        "..",
        "a/./b",
        "a\u202eb",
        "con\x7f",
        "\ud800",
        " lead",
        "-",
        "*",
    ],
    ids=repr,
)
def test_paths_that_are_no_plain_ones_are_refused(served: Served, admin: httpx.Client, path: str) -> None:
    body = json.dumps({"main": "topology.yaml", "files": [
        {"path": "topology.yaml", "text": TOPOLOGY}, {"path": path, "text": "x"}]})  # fmt: skip
    answer = admin.post("/v1/topologies", content=body, headers={"Content-Type": "application/json"})
    if path in ("~root", "-"):
        assert answer.status_code in (200, 201), "odd, and harmless"
        return
    found = problem(answer, 422)
    assert str(served.service.data) not in json.dumps(found)
    assert "/tmp" not in json.dumps(found)


@pytest.mark.parametrize(
    "files",
    [
        [{"path": "topology.yaml", "text": TOPOLOGY}] * 2,
        [{"path": "topology.yaml", "text": TOPOLOGY}, {"path": "topology.yaml/x", "text": ""}],
        [{"path": "a/x", "text": ""}, {"path": "a", "text": ""}, {"path": "topology.yaml", "text": TOPOLOGY}],
        [{"path": "other.yaml", "text": TOPOLOGY}],
        [{"path": "topology.yaml"}],
        [{"path": "topology.yaml", "text": "", "base64": ""}],
        [{"path": "topology.yaml", "base64": "%%%"}],
        [{"path": "topology.yaml", "text": TOPOLOGY}, *({"path": f"f{number}", "text": ""} for number in range(500))],
        [{"path": "topology.yaml", "base64": base64.b64encode(b"\xff\xfe\x00").decode()}],
        [],
    ],
    ids=[
        "twice",
        "file-and-folder",
        "folder-and-file",
        "no-main",
        "empty",
        "both",
        "not-base64",
        "501",
        "binary",
        "none",
    ],
)
def test_uploads_that_make_no_sense_are_refused(admin: httpx.Client, files: list[dict[str, str]]) -> None:
    assert problem(admin.post("/v1/topologies", json={"main": "topology.yaml", "files": files}), 422)["errors"]


@pytest.mark.parametrize(
    "word",
    ["/etc/passwd", "../../../../etc/passwd", "../secret.yaml", "a.yaml", "/proc/self/environ", "./x/../../y.yaml"],
)
def test_a_campaign_names_no_file_of_the_server(admin: httpx.Client, word: str) -> None:
    text = (
        f"schema: jointrange.campaign/1\nname: c\ntopology: {json.dumps(word)}\n"
        "scenario: company-intrusion\narms: {control: []}\n"
    )
    found = problem(admin.post("/v1/campaigns", content=text, headers=YAML), 422)
    assert "is not among the files of this upload" in found["errors"][0]["what"]
    assert (found["errors"][0]["file"], found["errors"][0]["line"]) == ("campaign.yaml", 3)


@pytest.mark.parametrize("source", ["/etc/passwd", "../../etc/passwd", "topology.yaml/../../x"])
def test_a_topology_takes_no_file_of_the_server(admin: httpx.Client, source: str) -> None:
    text = TOPOLOGY.replace("jointrange/base}", f"jointrange/base, files: {{/x: {{source: {source}}}}}}}")
    found = problem(admin.post("/v1/topologies", content=text, headers=YAML), 422)
    assert "root:" not in json.dumps(found)


@pytest.mark.parametrize(
    "path",
    ["/v1/topologies/pair/files/../../../../etc/passwd", "/v1/topologies/pair/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
     "/v1/topologies/%2e%2e", "/v1/topologies/..%2f..%2fetc", "/v1/ranges/%00", "/v1/ranges/%ff%fe", "/v1/ranges/..",
     "/ui/../app.py",
     "/ui/%2e%2e/app.py", "/ui/..%5capp.py", "/v1/topologies/pair/files//etc/passwd", "/v1/ranges/" + "a" * 5000,
     "/v1/ranges/a%0d%0aSet-Cookie:%20x", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"],
)  # fmt: skip
def test_path_tricks_in_urls_lead_nowhere(served: Served, admin: httpx.Client, path: str) -> None:
    parts = urlsplit(served.address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as made:
        token = admin.headers["authorization"]
        lines = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {token}\r\n\r\n"
        made.sendall(lines.encode())
        answer = b"".join(iter(lambda: made.recv(65536), b""))
    status = int(answer.split(b" ")[1])
    assert status in (400, 404, 422), answer[:500]
    assert b"root:" not in answer
    assert b"create_app" not in answer
    assert b"Set-Cookie" not in answer.partition(b"\r\n\r\n")[0]


def test_five_megabytes_are_the_most(served: Served, admin: httpx.Client) -> None:
    answer = admin.post("/v1/topologies", content=b"#" * (5 * 2**20 + 1), headers=YAML)
    assert "at most" in problem(answer, 413)["detail"]
    answer = admin.post("/v1/topologies", content=b"#" * (5 * 2**20), headers=YAML)
    assert "MiB" in problem(answer, 422)["errors"][0]["what"] or "bytes" in problem(answer, 422)["errors"][0]["what"]


def test_a_body_that_never_ends_is_cut_off(served: Served, admin: httpx.Client) -> None:
    """Chunks without a length: refused as soon as there are too many, not after them."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b"#" * 65536

    try:
        answer = admin.post("/v1/topologies", content=chunks(), headers=YAML)
        problem(answer, 413)
    except httpx.TransportError:
        pass  # it closed the door in the middle of our sentence: as good
    assert sent < 64 * 2**20
    assert admin.get("/healthz").status_code == 200


def test_whoever_asks_before_sending_is_refused_and_not_told_to_go_on(served: Served, admin: httpx.Client) -> None:
    parts = urlsplit(served.address)
    head = (
        "POST /v1/topologies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\nExpect: 100-continue\r\n"
    )
    head += f"Content-Length: {10**9}\r\nAuthorization: {admin.headers['authorization']}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as made:
        made.sendall(head.encode())
        answer = b"".join(iter(lambda: made.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413"), answer[:300]
    assert b"at most" in answer


def test_a_refusal_reaches_those_who_are_still_sending(served: Served, admin: httpx.Client) -> None:
    """Closing on them would throw away the answer before they had read it, now and then."""
    for _ in range(20):
        problem(admin.post("/v1/topologies", content=b"#" * (8 * 2**20), headers=YAML), 413)


def sending(served: Served, authorization: str, announced: int, sent: int) -> socket.socket:
    """A caller who announces a body and has sent a part of it."""
    parts = urlsplit(served.address)
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    head = "POST /v1/topologies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\n"
    head += f"Content-Length: {announced}\r\n"
    head += f"Authorization: {authorization}\r\n\r\n" if authorization else "\r\n"
    made.sendall(head.encode() + b"#" * sent)
    return made


@pytest.mark.parametrize("token", ["", "Bearer jr_nonsense", "Basic !"])
def test_nothing_of_a_stranger_is_read(served: Served, admin: httpx.Client, token: str) -> None:
    """They hear at once that they are strangers, though their body is far from whole."""
    with sending(served, token, 5 * 2**20, 1000) as made:
        answer = made.recv(65536)
    assert answer.startswith(b"HTTP/1.1 401"), answer[:300]
    assert b"www-authenticate" in answer.lower()


def test_there_is_room_for_so_many_bytes_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, keep=False, limits=Limits(bodies=1 << 20)) as served:
        admin = served.client()
        token = admin.headers["authorization"]
        with sending(served, token, 1 << 20, 1000 << 10):
            served.eventually(lambda: served.app.state.room.taken == 1000 << 10)
            refused = admin.post("/v1/topologies", content=b"#" * (100 << 10), headers=YAML)
            assert "at once" in problem(refused, 503)["detail"]
            assert refused.headers["retry-after"]
            assert admin.get("/v1/me").status_code == 200
        served.eventually(lambda: served.app.state.room.taken == 0)
        for _ in range(30):
            problem(admin.post("/v1/topologies", content=b"#" * (100 << 10), headers=YAML), 422)


@pytest.mark.parametrize("length", [str(10**9), str(10**30), "-5", "1e9", "0x10"])
def test_lengths_are_believed_before_anything_is_read(served: Served, admin: httpx.Client, length: str) -> None:
    parts = urlsplit(served.address)
    head = "POST /v1/topologies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\n"
    head += f"Content-Length: {length}\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as made:
        made.sendall(f"{head}Authorization: {admin.headers['authorization']}\r\n\r\n".encode())
        answer = made.recv(65536)
    assert answer.split(b" ")[1] in (b"413", b"400"), answer[:300]


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("text/plain", {}),
        ("", {}),
        ("application/x-www-form-urlencoded", {}),
        ("multipart/form-data; boundary=x", {}),
        ("application/yaml", {}),
        ("application/json; charset=utf-16", {}),
        ("application/json", {"Content-Encoding": "gzip"}),
    ],
)
def test_other_bodies_than_json_are_not_taken(admin: httpx.Client, kind: str, headers: dict[str, str]) -> None:
    content = b'{"topology": "pair"}'
    request = admin.build_request("POST", "/v1/ranges", content=content, headers={"Content-Type": kind, **headers})
    if not kind:
        del request.headers["content-type"]
    problem(admin.send(request), 415)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b"{" * 50_000,
        b"[" * 900_000,
        b'{"topology": "pair", "nope": 1}',
        b'{"lease": "9999999999999h", "topology": "pair"}',
        b'{"topology": NaN}',
        b'{"topology": 1e999}',
    ],
)
def test_bodies_that_are_no_request_are_told_what_is_wrong(admin: httpx.Client, body: bytes) -> None:
    answer = admin.post("/v1/ranges", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 415, 422, 429), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


def test_pages_of_other_sites_may_not_change_anything(served: Served, admin: httpx.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(admin.post("/v1/ranges", json={"topology": "pair"}, headers=headers), 403)
    assert (
        admin.post("/v1/ranges?dry_run=true", json={"topology": "pair"}, headers={"Origin": served.address}).status_code
        == 200
    )
    answer = admin.get("/v1/ranges", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_service_with_names_is_asked_by_no_other(tmp_path: Path) -> None:
    with serving(tmp_path, keep=False, hosts=("range.example",)) as served:
        client = served.client()
        assert client.get("/v1/me", headers={"Host": "range.example:8080"}).status_code == 200
        assert client.get("/v1/me", headers={"Host": "[::1]:8080"}).status_code == 200
        assert client.get("/v1/me").status_code == 200
        for host in ("evil.example", "range.example.evil", "", "127.0.0.1.evil"):
            problem(client.get("/v1/me", headers={"Host": host}), 421)


def test_every_answer_has_its_guards(admin: httpx.Client) -> None:
    for path in ("/v1/ranges", "/v1/nothing", "/openapi.json", "/docs", "/", "/healthz"):
        headers = admin.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors" in headers["content-security-policy"], path
        assert "unsafe-inline" not in headers["content-security-policy"], path


def test_the_reference_needs_nothing_from_elsewhere(admin: httpx.Client) -> None:
    page = admin.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    assert "sha256-" in page.headers["content-security-policy"]


DIGITS = "9" * 5000
LAN = "schema: jointrange.topology/1\nname: huge\nnetworks: {lan: {cidr: 10.0.0.0/24}}\nnodes:\n  one: "


@pytest.mark.parametrize(
    "node",
    [
        f"{{image: a, limits: {{memory: {DIGITS}g}}}}",
        "{image: a, limits: {memory: 9999999g}}",
        f"{{image: a, limits: {{cpus: {DIGITS}}}}}",
        "{image: a, limits: {cpus: 1.0e+400}}",
        f"{{image: a, networks: [{{network: lan, impair: {{delay: {DIGITS}s}}}}]}}",
        f"{{image: a, networks: [{{network: lan, impair: {{rate: {DIGITS}mbit}}}}]}}",
        f"{{image: a, start: [{{run: x, timeout: {DIGITS}h}}]}}",
    ],
    ids=lambda value: value[:40],
)
def test_numbers_nobody_can_hold_are_refused_with_their_place(admin: httpx.Client, node: str) -> None:
    text = f"{LAN}{node}\n"
    for answer in (
        admin.post("/v1/topologies", content=text, headers=YAML),
        admin.post("/v1/ranges", json={"upload": {"main": "t.yaml", "files": [{"path": "t.yaml", "text": text}]}}),
    ):
        found = problem(answer, 422)
        assert found["errors"][0]["line"] == 5
        assert len(answer.text) < 2_000, "the value is not told whole"


def test_cables_take_no_number_that_nobody_can_hold(served: Served, admin: httpx.Client) -> None:
    key = served.launched(admin, name="impaired", warm=False)["id"]
    for impair in ({"delay": "9" * 400 + "s"}, {"rate": "9" * 400 + "mbit"}, {"jitter": DIGITS + "ms"}):
        problem(admin.put(f"/v1/ranges/{key}/links/one/eth0", json={"up": True, "impair": impair}), 422)
    for loss in ("NaN", "1e999", "-Infinity"):
        body = f'{{"up": true, "impair": {{"loss": {loss}}}}}'
        headers = {"Content-Type": "application/json"}
        problem(admin.put(f"/v1/ranges/{key}/links/one/eth0", content=body, headers=headers), 422)
    most = {"delay": "999999h", "jitter": "999999h", "rate": "999999gbit"}
    assert admin.put(f"/v1/ranges/{key}/links/one/eth0", json={"up": True, "impair": most}).status_code == 200


@pytest.mark.parametrize(
    "quota",
    ['{"lease": 1e999}', '{"cpus": Infinity}', '{"cpus": NaN}', '{"ranges": ' + "9" * 400 + "}", '{"memory": 1e400}',
     '{"memory": 9007199254740993}', '{"lease": ' + DIGITS + "}"],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_quotas_are_numbers_that_can_be_kept(admin: httpx.Client, quota: str) -> None:
    body = f'{{"id": "infinite", "quota": {quota}}}'
    answer = admin.post("/v1/organisations", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert admin.get("/v1/organisations/infinite").status_code == 404


@pytest.mark.parametrize("lease", ["999999d", "9999999h", "9" * 400 + "s"])
def test_leases_are_times_that_can_be_kept(admin: httpx.Client, lease: str) -> None:
    problem(admin.post("/v1/ranges", json={"topology": "pair", "lease": lease}), 422)
