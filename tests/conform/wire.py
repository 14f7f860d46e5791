"""The wire in a second language, from docs/WIRE.md alone and with nothing
but the standard library. encode() and decode() do whole messages; the field
tables are read from docs/WIRE.md, so the page itself is what is tested."""
import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MAGIC, VERSION, MAX, DEPTH = "PW", 1, 1 << 20, 16


class WireError(Exception):
    """What a reader must refuse."""


# ---- MessagePack -----------------------------------------------------------

def pack(v):
    """The shortest form of each value, as msgpack-c writes it."""
    if v is True or v is False:
        return b"\xc3" if v else b"\xc2"
    if v is None:
        return b"\xc0"
    if isinstance(v, int):
        return pack_int(v)
    if isinstance(v, float):
        return b"\xcb" + struct.pack(">d", v)
    if isinstance(v, str):
        b = v.encode()
        return head(len(b), 0xa0, 31, (0xd9, 0xda, 0xdb)) + b
    if isinstance(v, (list, tuple)):
        return head(len(v), 0x90, 15, (None, 0xdc, 0xdd)) + \
            b"".join(pack(x) for x in v)
    if isinstance(v, dict):
        return head(len(v), 0x80, 15, (None, 0xde, 0xdf)) + \
            b"".join(pack(k) + pack(x) for k, x in v.items())
    raise TypeError(type(v))


def head(n, fix, most, marks):
    if n <= most:
        return bytes([fix | n])
    for mark, form, limit in zip(marks, (">B", ">H", ">I"),
                                 (1 << 8, 1 << 16, 1 << 32)):
        if mark is not None and n < limit:
            return bytes([mark]) + struct.pack(form, n)
    raise ValueError(n)


def pack_int(v):
    if -32 <= v < 128:
        return struct.pack(">b", v)
    if v >= 0:
        forms = ((0xcc, ">B"), (0xcd, ">H"), (0xce, ">I"), (0xcf, ">Q"))
    else:
        forms = ((0xd0, ">b"), (0xd1, ">h"), (0xd2, ">i"), (0xd3, ">q"))
    for mark, form in forms:
        try:
            return bytes([mark]) + struct.pack(form, v)
        except struct.error:
            continue
    raise ValueError(v)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise WireError("cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, n):
        try:
            return self.take(n).decode()
        except UnicodeDecodeError as e:
            raise WireError("not UTF-8") from e

    def array(self, n, depth):
        return [self.value(depth - 1) for _ in range(self.bounded(n))]

    def map(self, n, depth):
        out = {}
        for _ in range(self.bounded(2 * n) // 2):
            key = self.value(depth - 1)
            if not isinstance(key, str):
                raise WireError("a name is not text")
            if key in out:
                raise WireError("given twice: " + key)
            out[key] = self.value(depth - 1)
        return out

    def bounded(self, n):
        if n > len(self.data) - self.at:
            raise WireError("claims more than follows")
        return n

    def value(self, depth=DEPTH):
        if depth < 0:
            raise WireError("nested too deeply")
        m = self.take(1)[0]
        if m < 0x80 or m >= 0xe0:
            return m if m < 0x80 else m - 256
        if m < 0x90:
            return self.map(m & 15, depth)
        if m < 0xa0:
            return self.array(m & 15, depth)
        if m < 0xc0:
            return self.text(m & 31)
        return self.marked(m, depth)

    def marked(self, m, depth):
        if m in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[m]
        numbers = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H",
                   0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h",
                   0xd2: ">i", 0xd3: ">q"}
        if m in numbers:
            return self.number(numbers[m])
        sizes = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xc7: ">B", 0xc8: ">H",
                 0xc9: ">I", 0xd9: ">B", 0xda: ">H", 0xdb: ">I", 0xdc: ">H",
                 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}
        if m in (0xd4, 0xd5, 0xd6, 0xd7, 0xd8):
            return self.take((1 << (m - 0xd4)) + 1)
        if m not in sizes:
            raise WireError("0xc1")
        n = self.number(sizes[m])
        if m <= 0xc6:
            return self.take(n)
        if m <= 0xc9:
            return self.take(n + 1)
        if m <= 0xdb:
            return self.text(n)
        return self.array(n, depth) if m <= 0xdd else self.map(n, depth)


# ---- the tables of docs/WIRE.md --------------------------------------------

def tables():
    """{type number: (name, body)} and {body: {field: (type, limit, needed)}}"""
    with open(os.path.join(ROOT, "docs", "WIRE.md"), encoding="utf-8") as f:
        text = f.read()
    types = {int(n): (name, body) for n, name, body in re.findall(
        r"^\| (\d+) \| ([A-Z]+) \| (\w+) \|", text, re.M)}
    bodies = {}
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        rows = re.findall(
            r"^\| `(\w+)` \| ([^|]*) \| ([^|]*?) ?\| (yes)? *\|", part, re.M)
        bodies[part.split("\n", 1)[0]] = {
            name: (kind, limit, bool(needed))
            for name, kind, limit, needed in rows}
    return types, bodies


TYPES, BODIES = tables()
NUMBERS = {name: number for number, (name, _) in TYPES.items()}


def check_text(where, v, limit):
    if not isinstance(v, str):
        raise WireError(where + ": is not text")
    if len(v.encode()) > limit:
        raise WireError(where + ": over the limit")
    if "\0" in v:
        raise WireError(where + ": has a NUL")


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool) and \
        -(1 << 63) <= v < 1 << 63


def check_value(where, kind, limit, v):
    numbers = [int(x) for x in re.findall(r"\d+", limit)]
    if kind.startswith("text"):
        check_text(where, v, numbers[0])
    elif kind == "integer":
        if not is_int(v):
            raise WireError(where + ": is not an integer")
    elif kind == "true or false":
        if not isinstance(v, bool):
            raise WireError(where + ": is not true or false")
    elif kind.startswith("array"):
        if not isinstance(v, list) or len(v) > numbers[0]:
            raise WireError(where + ": is no array, or too long")
        for x in v:
            if kind == "array of texts":
                check_text(where, x, numbers[1])
            elif not is_int(x):
                raise WireError(where + ": is not an integer")
    elif kind.startswith("map: "):
        check_body(kind[len("map: "):], v)
    else:
        raise AssertionError(kind)


def check_body(name, body):
    """Raises WireError when a reader must refuse it."""
    if not isinstance(body, dict):
        raise WireError(name + ": is not a map")
    for field, (kind, limit, needed) in BODIES[name].items():
        where = name + "." + field
        if field not in body:
            if needed:
                raise WireError(where + ": is missing")
            continue
        check_value(where, kind, limit, body[field])
        if needed and body[field] == "":
            raise WireError(where + ": is empty")


# ---- whole messages --------------------------------------------------------

def encode(name, lease, body):
    """Fields in the order of the page, as our own writer has them."""
    return pack([MAGIC, VERSION, NUMBERS[name], lease,
                 ordered(TYPES[NUMBERS[name]][1], body)])


def ordered(table, body):
    known = BODIES[table]
    out = {}
    for field, (kind, _, _) in known.items():
        if field in body:
            sub = kind[len("map: "):] if kind.startswith("map: ") else None
            out[field] = ordered(sub, body[field]) if sub else body[field]
    out.update((k, v) for k, v in body.items() if k not in known)
    return out


def decode(data):
    """(name, lease, body), the unknown fields left in; or WireError."""
    if len(data) > MAX:
        raise WireError("too large")
    reader = Reader(data)
    m = reader.value()
    if reader.at != len(data):
        raise WireError("left over")
    if not isinstance(m, list) or m[:1] != [MAGIC]:
        raise WireError("not a message of Pullwire")
    if m[1:2] != [VERSION]:
        raise WireError("another version")
    if len(m) != 5 or m[2] not in TYPES or not is_int(m[3]):
        raise WireError("malformed envelope")
    name, table = TYPES[m[2]]
    if (m[3] <= 0) if m[2] >= 16 else (m[3] != 0):
        raise WireError("lease")
    check_body(table, m[4])
    return name, m[3], m[4]
