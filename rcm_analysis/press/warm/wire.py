"""Messages over a socket: the length, then JSON."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("<Q")
MOST_BYTES = 1 << 30
"""A longer message is none of ours: whoever sends it is as good as dead."""


def send(to: socket.socket, message: Any) -> None:
    """Send one message; bytes are taken as JSON already written."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode("utf-8", "surrogatepass")
    to.sendall(_LENGTH.pack(len(body)) + body)


def receive(source: socket.socket) -> Any:
    """The next message, or None when the other side is gone or says nothing that can be understood."""
    head = _exactly(source, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    body = _exactly(source, length) if length <= MOST_BYTES else None
    try:
        return None if body is None else json.loads(body.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None


def _exactly(source: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = source.recv(min(count - len(parts), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
