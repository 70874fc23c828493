"""Slack's side of Socket Mode: a WebSocket server that sends envelopes and waits for their acks.

RFC 6455 as far as the protocol needs it: text, ping, pong and close frames, unfragmented. Faults:
`refresh` asks a client to come again, `cut` breaks TCP without a word, `mute` stops answering.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
import uuid
from typing import Any

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
Json = dict[str, Any]


class Connection:
    """One client's socket."""

    def __init__(self, raw: socket.socket) -> None:
        self._raw, self._lock = raw, threading.Lock()
        self._file = raw.makefile("rb")
        self.open = True

    def shake_hands(self) -> bool:
        """Whether it was a WebSocket's opening."""
        headers: dict[bytes, bytes] = {}
        while line := bytes(self._file.readline() or b"").strip():
            key, _, value = line.partition(b":")
            headers[key.strip().lower()] = value.strip()
        asked = headers.get(b"sec-websocket-key")
        if asked is None:
            return False
        accept = base64.b64encode(hashlib.sha1(asked + GUID).digest())
        self._raw.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return True

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """One frame; a server's are not masked."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        with self._lock:
            self._raw.sendall(head + payload)

    def receive(self) -> tuple[int, bytes]:
        """One frame of the client's, unmasked. Raises OSError at the end."""
        first, second = self._exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._exactly(8))
        mask = self._exactly(4) if second & 0x80 else b"\0\0\0\0"
        body = self._exactly(size)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))

    def close(self) -> None:
        """Breaks TCP."""
        self.open = False
        with contextlib.suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self._raw.close()

    def _exactly(self, size: int) -> bytes:
        found = self._file.read(size) or b""
        if len(found) != size:
            raise OSError("the client is gone")
        return found


class SocketServer:
    """Takes connections on a port of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._changed = threading.Condition()
        self._acks: dict[str, Json] = {}
        self.connections: list[Connection] = []
        self.opened = 0
        self.muted = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """Where `apps.connections.open` sends clients."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}/link"

    def start(self) -> None:
        """Begins to take connections."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, with every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.cut()

    def deliver(
        self, kind: str, payload: Json, timeout_s: float, *, envelope_id: str = ""
    ) -> Json | None:
        """Sends an envelope to the newest connection; the acknowledgement, or None in time."""
        envelope = envelope_id or str(uuid.uuid4())
        message = {
            "type": kind,
            "envelope_id": envelope,
            "payload": payload,
            "accepts_response_payload": True,
        }
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self.connections:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return None
            self.connections[-1].send(json.dumps(message).encode())
            while envelope not in self._acks:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return None
            return self._acks[envelope]

    def refresh(self) -> None:
        """Asks every client to connect anew, as Slack does every few hours."""
        notice = {"type": "disconnect", "reason": "refresh_requested"}
        for connection in list(self.connections):
            connection.send(json.dumps(notice).encode())

    def cut(self) -> None:
        """Breaks every connection without a word."""
        for connection in list(self.connections):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        connection = Connection(raw)
        try:
            if not connection.shake_hands():
                return
            connection.send(json.dumps({"type": "hello", "num_connections": 1}).encode())
            with self._changed:
                self.connections.append(connection)
                self.opened += 1
                self._changed.notify_all()
            while True:
                self._take(connection, *connection.receive())
        except (OSError, ValueError):
            pass
        finally:
            with self._changed:
                if connection in self.connections:
                    self.connections.remove(connection)
                self._changed.notify_all()
            connection.close()

    def _take(self, connection: Connection, opcode: int, body: bytes) -> None:
        if opcode == CLOSE:
            raise OSError("the client said good-bye")
        if opcode == PING and not self.muted:
            connection.send(body, PONG)
        if opcode == TEXT:
            ack = json.loads(body)
            with self._changed:
                self._acks[ack["envelope_id"]] = ack
                self._changed.notify_all()
