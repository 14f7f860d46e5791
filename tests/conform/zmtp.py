"""One ZeroMQ connection in plain Python: ZMTP 3.0 (RFC 23), mechanism NULL,
over a Unix socket, and the messages of wire.py on it. No ZeroMQ library."""
import random
import select
import socket
import struct
import time

import wire

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + \
    bytes(32)
MORE, LONG, COMMAND = 1, 2, 4


class Gone(Exception):
    """The other end has closed the connection."""


class Connection:
    """Either end of one: Connection(path=...) connects, Listener accepts."""

    def __init__(self, path=None, sock=None, kind="DEALER"):
        if sock is None:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(path)
        self.sock, self.pending = sock, b""
        sock.sendall(GREETING)
        end = time.monotonic() + 60
        greeting = self.exactly(64, end)
        assert greeting[0] == 0xff and greeting[10] >= 3
        assert greeting[12:32] == GREETING[12:32]
        self.frame(COMMAND, b"\x05READY" + self.property("Socket-Type", kind)
                   + self.property("Identity", ""))
        flags, body = self.read_frame(end)
        assert flags & COMMAND and body.startswith(b"\x05READY")

    @staticmethod
    def property(name, value):
        return bytes([len(name)]) + name.encode() + \
            struct.pack(">I", len(value)) + value.encode()

    def frame(self, flags, body):
        if len(body) < 256:
            head = struct.pack(">BB", flags, len(body))
        else:
            head = struct.pack(">BQ", flags | LONG, len(body))
        self.sock.sendall(head + body)

    def need(self, n, end):
        """Waits until n bytes are there; none are taken."""
        while len(self.pending) < n:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError()
            data = self.sock.recv(65536)
            if not data:
                raise Gone()
            self.pending += data

    def exactly(self, n, end):
        self.need(n, end)
        data, self.pending = self.pending[:n], self.pending[n:]
        return data

    def read_frame(self, end):
        """Whole, or TimeoutError with nothing taken."""
        self.need(1, end)
        head = 9 if self.pending[0] & LONG else 2
        self.need(head, end)
        size = int.from_bytes(self.pending[1:head], "big")
        self.need(head + size, end)
        data = self.exactly(head + size, end)
        return data[0], data[head:]

    def close(self):
        self.sock.close()


class Peer(Connection):
    """Speaks the dialogue of docs/WIRE.md, one message at a time."""

    def say(self, name, body=None, lease=0):
        self.frame(0, wire.encode(name, lease, body or {}))

    def say_bytes(self, data):
        self.frame(0, data)

    def hear(self, seconds=60, ping=False):
        """The next message, (name, lease, body); PINGs are not counted unless
        asked for."""
        end = time.monotonic() + seconds
        while True:
            flags, body = self.read_frame(end)
            if flags & COMMAND:
                continue
            assert not flags & MORE
            message = wire.decode(body)
            if ping or message[0] != "PING":
                return message

    def silent(self, seconds):
        """True when nothing but PINGs comes for so long."""
        try:
            self.unexpected = self.hear(seconds)
        except TimeoutError:
            return True
        return False

    def hello(self, role, instance="py", session=None, **more):
        """Says HELLO and takes the answer."""
        session = session or random.getrandbits(62)
        self.say("HELLO", {"session": session, "role": role,
                           "instance": instance, **more})
        name, _, body = self.hear()
        assert name == "HELLO" and body["session"] == session
        return body


class Listener:
    """The binding end, for one connection after the other."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(8)

    def accept(self, seconds=60):
        self.sock.settimeout(seconds)
        sock, _ = self.sock.accept()
        sock.settimeout(None)
        return Peer(sock=sock, kind="ROUTER")

    def close(self):
        self.sock.close()
