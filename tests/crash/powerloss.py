#!/usr/bin/python3
"""Power loss at every moment: what the daemons wrote, replayed.

The four daemons take EVENTS pushes with oplog.c preloaded, which records each
change of their state folders and each 202. Then the machine is cut off after
every single record: each store is laid down as the disk may have it then,

  whole   everything that was written before
  torn    and a part of the next write, cut or only its end
  synced  nothing but what was synced, names as well as bytes
  mixed   of what was not synced, some writes (a seed chooses)

and opened by the daemon's own code (stores.c). In each of these states every
acknowledged event must be waiting in the spool; or it may be done there when
each of its triggers is in the deployer's queue or has its final row in the
access log, whichever of the states those two are in.

About one state in 100,000 is the same bytes as an acknowledged transaction that
lost a bit later (proto/data/db_wal_bits.c): it is refused, and the command that
the refusal names must lead on, with nothing lost.

powerloss.py [EVENTS] prints what was replayed as JSON. FAIL= as PULLWIRE_FAIL
of VICTIM=ingress, in a build with failure points: then something must be found.
"""
import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from peer.sink import Sink  # noqa: E402
from rig.stack import BUILD, BUILD_FAIL, Stack, wait_for  # noqa: E402

STORES = {"ingress": "spool", "deployer": "queue", "logger": "log"}
TRIGGERS = {"notify", "never"}
HEAD = struct.Struct("<c15sQII")
WAY_ON = re.compile(r"is damaged in frame .*: truncate -s (\d+) '(.+)'$")
UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

Op = collections.namedtuple("Op", "at kind name off data")


# ---- recording

def record(events, fail, victim):
    """Runs the daemons, one of which may fail; the records, of all processes
    in one order."""
    lib = tempfile.NamedTemporaryFile(suffix=".so")
    subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-o",
                    lib.name, os.path.join(HERE, "oplog.c"), "-ldl"],
                   check=True)
    sink = Sink()
    stack = Stack([{"name": "notify", "repository": "shop/*",
                    "url": sink.url()},
                   {"name": "never", "repository": "shop/*",
                    "expression": "release-.*", "url": sink.url()}],
                  build=BUILD_FAIL if fail else BUILD)
    path = stack.path("oplog")
    try:
        for name in ("logger", "deployer", "matcher", "ingress"):
            os.makedirs(stack.path(name), mode=0o700, exist_ok=True)
            mine = fail if name == victim else None
            stack.start(name, fail=mine, env={
                "LD_PRELOAD": lib.name, "OPLOG": path,
                "OPLOG_DIR": stack.path(name)} if name in STORES else {})
        threads = [threading.Thread(target=post, args=(stack, range(
            part, events, 4))) for part in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        wait_for("every final row", lambda: len(stack.finals(
            )) >= events * len(TRIGGERS), 600)
        for name in ("ingress", "matcher", "deployer", "logger"):
            stack.stop(name)
        with open(path, "rb") as f:
            return list(parse(f.read()))
    finally:
        stack.close()
        sink.close()


def post(stack, numbers):
    for n in numbers:
        stack.push(f"shop/app{n % 5}", f"v{n}")


def parse(data):
    at = 0
    while at < len(data):
        kind, store, off, name, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        yield (store.rstrip(b"\0").decode(), kind.decode(),
               data[at:at + name].decode(), off,
               data[at + name:at + name + size])
        at += name + size


# ---- replaying

class File:
    def __init__(self):
        self.now, self.synced, self.open = bytearray(), b"", []

    def change(self, op):
        apply(self.now, op)
        self.open.append(op)

    def sync(self):
        self.synced, self.open = bytes(self.now), []


def apply(content, op):
    if op.kind == "T":
        del content[op.off:]
        content.extend(bytes(op.off - len(content)))
        return
    content.extend(bytes(max(0, op.off - len(content))))
    content[op.off:op.off + len(op.data)] = op.data


class Disk:
    """One folder: names that are there, names that are sure to be."""

    def __init__(self, seed):
        self.names, self.sure = {}, {}
        self.random = random.Random(seed)

    def take(self, op):
        if op.kind == "C":
            self.names[op.name] = File()
        elif op.kind in "WT":
            self.names.setdefault(op.name, File()).change(op)
        elif op.kind == "U":
            self.names.pop(op.name, None)
        elif op.kind == "R":
            self.names[op.data.decode()] = self.names.pop(op.name)
        elif op.kind == "S" and op.name in self.names:
            self.names[op.name].sync()
        elif op.kind == "D":
            self.sure = dict(self.names)

    def states(self, following):
        """name -> bytes of each state; following: what is written next."""
        whole = {n: bytes(f.now) for n, f in self.names.items()}
        yield "whole", whole
        if any(f.open for f in self.names.values()) or \
                self.names.keys() != self.sure.keys():
            yield "synced", {n: f.synced for n, f in self.sure.items()}
            yield "mixed", {n: self.some(f) for n, f in self.names.items()
                            if n in self.sure or self.random.random() < 0.5}
        if following and following.kind == "W" and following.data:
            yield from self.torn(whole, following)

    def some(self, file):
        content = bytearray(file.synced)
        for op in file.open:
            if self.random.random() < 0.5:
                apply(content, op)
        return bytes(content)

    def torn(self, whole, op):
        cut = self.random.randrange(len(op.data))
        parts = [op._replace(data=op.data[:cut])]
        if len(op.data) > 512:
            parts.append(op._replace(off=op.off + 512, data=op.data[512:]))
        for part in parts:
            content = bytearray(whole.get(op.name, b""))
            apply(content, part)
            yield "torn", {**whole, op.name: bytes(content)}


class Opener:
    """stores.c, opening folder after folder."""

    def __init__(self, kind):
        self.cut = 0  # logs
        self.dir = tempfile.mkdtemp(prefix="powerloss-", dir=SHM)
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests/crash/stores-" + kind), "list"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def open(self, files):
        """(what, id) of all that is there; AssertionError if it does not
        start."""
        for old in os.scandir(self.dir):
            os.unlink(old.path)
        for name, content in files.items():
            if not name.endswith("-shm"):  # SQLite's memory, no storage
                with open(os.path.join(self.dir, name), "wb") as f:
                    f.write(content)
        found, refusal = self.list()
        way_on = refusal and WAY_ON.search(refusal)
        if way_on:
            self.cut += 1
            os.truncate(way_on[2], int(way_on[1]))
            found, refusal = self.list()
        assert not refusal, refusal
        return found

    def list(self):
        """What is there, and the sentence of why it does not start."""
        self.process.stdin.write(self.dir + "\n")
        self.process.stdin.flush()
        found, refusal = set(), None
        for line in self.process.stdout:
            what, _, name = line.rstrip("\n").partition(" ")
            if what == ".":
                return found, refusal
            if what == "!":
                refusal = name
            found.add((what, name))
        raise AssertionError("stores.c died")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.dir)


def replay(store, ops):
    """For each operation: what is there in all states before the next one,
    and what may be done. A list of (at, in all, done in any), and how many
    states there were of each sort."""
    disk, opener = Disk(store), Opener(STORES[store])
    told, counts, seen = [], collections.Counter(), {}
    try:
        for i, op in enumerate(ops):
            disk.take(op)
            surely = may = None
            for sort, files in disk.states(
                    ops[i + 1] if i + 1 < len(ops) else None):
                key = hash(tuple(sorted(files.items())))
                if key not in seen:
                    try:
                        seen[key] = opener.open(files)
                    except AssertionError as e:
                        raise AssertionError(
                            f"{store}, after operation {i}, {sort}: {e}"
                            ) from None
                    counts[sort] += 1
                found = seen[key]
                there = {n for what, n in found if what != "damaged"}
                done = {n for what, n in found if what == "done"}
                surely = there if surely is None else surely & there
                may = done if may is None else may | done
            told.append((op.at, surely, may))
            if len(seen) > 100:
                seen.clear()
        counts["cut"] = opener.cut
        return told, counts
    finally:
        opener.close()


# ---- judging

def judge(records, histories):
    """The number of acknowledged events; AssertionError for one that is
    nowhere after some record."""
    acked, state = [], {s: (set(), set()) for s in STORES}
    known = set()
    upcoming = {s: iter(told) for s, told in histories.items()}
    ahead = {s: next(upcoming[s], None) for s in STORES}
    for at, (store, kind, _, _, data) in enumerate(records):
        if kind == "A":
            for event in UUID.findall(data):
                if event not in known:
                    known.add(event)
                    acked.append(event.decode())
        elif ahead[store] and ahead[store][0] == at:
            state[store] = ahead[store][1:]
            ahead[store] = next(upcoming[store], None)
        spool, done = state["ingress"]
        queue, log = state["deployer"][0], state["logger"][0]
        for event in acked:
            assert event in spool, \
                f"after record {at}: {event} was acknowledged and is lost"
            if event in done:
                for trigger in TRIGGERS:
                    job = f"{event}/{trigger}"
                    assert job in queue or job in log, \
                        f"after record {at}: {job} is nowhere"
    return len(acked)


def run(events, fail=None, victim="ingress"):
    records = record(events, fail, victim)
    ops = {s: [Op(at, *r[1:]) for at, r in enumerate(records)
               if r[0] == s and r[1] != "A"
               and not r[2].endswith(("-shm", ".lock"))] for s in STORES}
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        parts = dict(zip(STORES, pool.map(replay, STORES, ops.values())))
    acked = judge(records, {s: p[0] for s, p in parts.items()})
    assert acked == events, acked
    cut = sum(p[1].pop("cut", 0) for p in parts.values())
    states = sum((p[1] for p in parts.values()), collections.Counter())
    assert cut <= 3 + sum(states.values()) / 10000, cut
    return {"events": events, "prefixes": len(records),
            "operations": {s: len(o) for s, o in ops.items()},
            "states": {s: dict(p[1]) for s, p in parts.items()},
            "states_of_all": dict(states),
            "states_in_all": sum(states.values()), "cut": cut,
            "acknowledged": acked, "lost": 0}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 200,
                         os.environ.get("FAIL"),
                         os.environ.get("VICTIM", "ingress")), indent=1))
