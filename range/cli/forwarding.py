"""A local port that leads to a node's port, through the switchboard.

Knows: sockets of this machine. Must never: open one on any other address than it was told.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from range.errors import Exhausted, RangeError
from range.ports import Duplex, Switchboard


class Forward:
    """Listens while the block lasts; `port` is where."""

    def __init__(
        self, switchboard: Switchboard, range_id: str, node: str, remote: int, address: str, port: int
    ) -> None:
        self.switchboard = switchboard
        self.where = (range_id, node, remote)
        self.ended = threading.Event()
        self.open: set[Duplex] = set()
        try:
            self.server = socket.create_server((address, port))
        except OSError as error:
            raise Exhausted(
                f"cannot listen on {address}:{port}: {error.strerror}", hint="choose another --port; 0 picks a free one"
            ) from error
        self.port = int(self.server.getsockname()[1])

    def __enter__(self) -> Forward:
        try:
            self.switchboard.connect(*self.where).close()
        except RangeError:
            self.server.close()
            raise
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for duplex in tuple(self.open):
            duplex.close()

    def wait(self) -> None:
        """Until Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):
            self.ended.wait()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                duplex = self.switchboard.connect(*self.where)
            except RangeError:
                return
            self.open.add(duplex)
            back = threading.Thread(target=self._back, args=(duplex, client), daemon=True)
            back.start()
            try:
                while data := client.recv(65536):
                    with contextlib.suppress(OSError):  # whoever hears no more may still have something to say
                        duplex.send(data)
                duplex.finish()
            except OSError:
                duplex.close()  # the client is gone: the other end must learn it, and `back` must end
            back.join()
            duplex.close()
            self.open.discard(duplex)

    @staticmethod
    def _back(duplex: Duplex, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := duplex.receive():
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
