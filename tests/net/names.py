"""A name server for the tests: answers come from a function for each name.

names.zone["x.test"] = lambda: [("A", "10.0.0.1"), ("CNAME", "y.test"), ...]
All answers have TTL 0. delay[name] s pass before a name is answered. Unknown
names do not exist. It counts the questions for each name.
"""
import collections
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}


def pack_name(name):
    return b"".join(bytes([len(p)]) + p.encode()
                    for p in name.strip(".").split(".")) + b"\0"


def pack_data(kind, value):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    return pack_name(value)


class Names:
    def __init__(self, address="127.0.0.53"):
        self.zone, self.delay = {}, {}
        self.asked = collections.Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, sender = self.socket.recvfrom(512)
            except OSError:
                return
            name, end = self.question(query)
            self.asked[name] += 1
            if name in self.delay:
                threading.Timer(self.delay[name], self.answer,
                                (query, name, end, sender)).start()
            else:
                self.answer(query, name, end, sender)

    @staticmethod
    def question(query):
        parts, at = [], 12
        while query[at]:
            parts.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        return ".".join(parts).lower(), at + 5

    def records(self, name, want):
        """Those of the type, and of the names that it is an alias of."""
        found = []
        for kind, value in self.zone[name]():
            if kind == "CNAME":
                found.append((name, kind, value))
                found += self.records(value, want)
            elif TYPES[kind] == want:
                found.append((name, kind, value))
        return found

    def answer(self, query, name, end, sender):
        want = struct.unpack("!H", query[end - 4:end - 2])[0]
        known = name in self.zone
        found = self.records(name, want) if known else []
        reply = query[:2] + struct.pack(
            "!HHHHH", 0x8180 | (0 if known else 3), 1, len(found), 0, 0)
        reply += query[12:end]
        for owner, kind, value in found:
            data = pack_data(kind, value)
            reply += pack_name(owner) + struct.pack(
                "!HHIH", TYPES[kind], 1, 0, len(data)) + data
        try:
            self.socket.sendto(reply, sender)
        except OSError:
            pass

    def close(self):
        self.socket.close()
