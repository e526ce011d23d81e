"""An Ansible connection that reaches a host through the broker of the run.

Knows: the broker's frames (range/provisioner/broker.py) and nothing of what lies behind.
Must never: know another way to a host, or import more than Python and Ansible: it runs inside ansible-playbook, in the
container of the run, where a relay listens (range/provisioner/relay.py).
"""

from __future__ import annotations

import io
import json
import os
import socket
import struct
from pathlib import Path
from typing import Any, BinaryIO

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: jointrange
    short_description: run tasks in the nodes of a range
    description: Commands and files travel over a unix socket to the orchestrator, which serves this run's hosts only.
    author: jointrange
    version_added: historical
    extends_documentation_fragment:
        - connection_pipelining
    options:
        socket:
            description: The relay's socket.
            env:
                - name: JOINTRANGE_BROKER
            required: true
"""

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 20
_MOST = 256 << 20
"""Bytes of one file; the broker takes no more."""


class Connection(ConnectionBase):  # type: ignore[misc]
    """One host, through the broker."""

    transport = "jointrange"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command in the node; code, stdout, stderr."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        stdin = in_data or b""
        header, body = self._ask({"op": "exec", "command": cmd}, io.BytesIO(stdin), len(stdin))
        return header["code"], body[: header["out"]], body[header["out"] :]

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the node."""
        super().put_file(in_path, out_path)
        with Path(os.fsdecode(in_path)).open("rb") as content:
            self._ask({"op": "put", "path": out_path}, content, os.fstat(content.fileno()).st_size)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the node."""
        super().fetch_file(in_path, out_path)
        _, body = self._ask({"op": "fetch", "path": in_path}, io.BytesIO(), 0)
        Path(os.fsdecode(out_path)).write_bytes(body)

    def close(self) -> None:
        """Nothing is kept open."""
        self._connected = False

    def _ask(self, request: dict[str, Any], body: BinaryIO, size: int) -> tuple[dict[str, Any], bytes]:
        host = str(self._play_context.remote_addr)
        if size > _MOST:
            raise AnsibleConnectionFailure(f"{size} bytes are too many at once; {_MOST >> 20} MiB may be sent")
        encoded = json.dumps({**request, "host": host, "size": size}).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
                channel.connect(self.get_option("socket"))
                channel.sendall(_LENGTH.pack(len(encoded)) + encoded)
                while part := body.read(_CHUNK):
                    channel.sendall(part)
                with channel.makefile("rb") as reader:
                    answer = json.loads(reader.read(*_LENGTH.unpack(reader.read(_LENGTH.size))))
                    content = reader.read(answer["size"])
        except (OSError, struct.error, ValueError) as error:
            raise AnsibleConnectionFailure(f"the broker of this run does not answer: {error}") from error
        if "error" in answer:
            raise AnsibleConnectionFailure(answer["error"])
        return answer, content
