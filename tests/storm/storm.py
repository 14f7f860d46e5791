#!/usr/bin/python3
"""The kill storm: pushes flow in while processes are killed, stopped and away.

One ingress, three matchers, two deployers and a logger; sender.py posts events
and keeps the history of what was acknowledged, sink.py takes the
notifications, and real images are pushed for two real containers. Meanwhile
every two seconds one process, whichever, is killed with -9 and started again,
six times a minute one is stopped with SIGSTOP for a while, and the logger is
down for a fifth of the time. Then everything has to settle, every process has
to end within ten seconds of SIGTERM, and the access log is compared with the
history: nothing lost, one final row for each event and trigger, each
notification under one id, each container the newest push.

As a program: storm.py [SECONDS [RATE [TOTAL]]], the figures as JSON.
"""
import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from rig import docker, images  # noqa: E402
from rig.stack import TOKEN, UNLIMITED, Daemon, Stack, kept  # noqa: E402

PROCESSES = ("logger", "deployer-1", "deployer-2", "matcher-1", "matcher-2",
             "matcher-3", "ingress")
KILL_EVERY = 2.0
STOP_EVERY = 10.0
SETTLE = 120  # seconds that may pass without a new row before all are there
HOOKED = 8   # repositories with two notifications each
CONTAINERS = ("storm-a", "storm-b")
# When a deployer is killed or stopped: posts under way, and jobs that three
# matchers have not yet seen acknowledged, which the other deployer gets.
IN_FLIGHT = 64 + 3 * 64


def triggers(port):
    """The rules, and by them what must become of a push."""
    rules = [{"name": f"hook-{n}-{half}", "repository": f"storm/app{n}",
              "expression": "v.*", "url": f"http://127.0.0.1:{port}/{n}/{half}"}
             for n in range(HOOKED) for half in "ab"]
    rules.append({"name": "never", "repository": "storm/**",
                  "expression": "release-.*",
                  "url": f"http://127.0.0.1:{port}/never"})
    rules += [{"name": name, "repository": f"storm/{name}",
               "expression": "v[0-9]+", "deploy": {"container": name}}
              for name in CONTAINERS]
    return rules


def expected(repository):
    """trigger -> status, of a push of the sender's."""
    n = int(repository.removeprefix("storm/app"))
    ends = {"never": "untriggered"}
    if n < HOOKED:
        ends.update({f"hook-{n}-a": "200", f"hook-{n}-b": "200"})
    return ends


class Config:
    """What Daemon wants of a stack, with another configuration file."""

    def __init__(self, stack, name):
        self.dir, self.build = stack.dir, stack.build
        self.config = stack.path(name + ".yml")
        mine = dict(stack.settings)
        mine["deployer"] = dict(
            mine["deployer"], state=stack.path(name),
            lanes=["http", "local"] if name == "deployer-2" else ["http"],
            link="ipc://" + stack.path("links/" + name))
        whole, stack.settings = stack.settings, mine
        main, stack.config = stack.config, self.config
        stack.write()
        stack.settings, stack.config = whole, main


class Storm:
    PUSH_EVERY = (1, 6)  # seconds between images, from and to

    def __init__(self, engine, registry, seconds, rate, total, seed):
        self.engine, self.registry = engine, registry
        self.seconds, self.rate, self.total = seconds, rate, total
        self.seed = seed
        self.random = random.Random(seed)
        self.kills, self.stops = collections.Counter(), collections.Counter()
        self.stopped = {}   # name -> when it goes on
        self.logger_down = 0.0
        self.pushed = []    # (event, container, digest)
        self.over = threading.Event()
        self.daemons = {}
        self.sink = None

    # ---- before

    def prepare(self):
        self.digests = {}
        for name in CONTAINERS:
            self.engine.remove_all(name)
            images.put(self.engine, self.registry, f"storm/{name}", "v0")
            self.digests[name] = [
                images.put(self.engine, self.registry, f"storm/{name}",
                           f"v{i}") for i in range(1, 6)]
            self.engine.run(name, f"{self.registry.host}/storm/{name}:v0")
        self.stack = Stack([], {"local": self.engine.sock}, [
            {"name": "registry", "type": "distribution", **UNLIMITED,
             "auth": {"bearer": TOKEN}, "registry": self.registry.host}])
        stack = self.stack
        self.ids = stack.path("delivered")
        self.sink = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "sink.py"), self.ids],
            stdout=subprocess.PIPE, text=True)
        links = [f"ipc://{stack.path('links')}/deployer-{n}" for n in (1, 2)]
        stack.settings["triggers"] = triggers(int(self.sink.stdout.readline()))
        stack.settings["matcher"]["deployer"] = links
        # A delivery that failed with its sender is soon made again.
        stack.settings["deployer"]["schedule"] = ["0s"] + ["1s"] * 9
        stack.write()
        self.configs = {n: Config(stack, n)
                        for n in ("deployer-1", "deployer-2")}
        for name in PROCESSES:
            os.makedirs(stack.path(name), mode=0o700, exist_ok=True)
            self.start(name)

    def start(self, name):
        self.daemons[name] = Daemon(
            self.configs.get(name, self.stack), name.partition("-")[0], name,
            {})

    # ---- the storm

    def alive(self, but=()):
        return [n for n, d in self.daemons.items() if d.alive()
                and n not in but]

    def resume(self, name):
        if name in self.stopped:
            del self.stopped[name]
            self.daemons[name].process.send_signal(signal.SIGCONT)

    def kill(self, name):
        self.stopped.pop(name, None)
        self.daemons[name].kill()
        self.kills[name] += 1

    def stop_one(self, now):
        """Ingress a short time: what it does not take is not acknowledged."""
        name = self.random.choice(self.alive(self.stopped))
        longest = 10 if name == "ingress" else min(40, self.seconds / 6)
        self.daemons[name].process.send_signal(signal.SIGSTOP)
        self.stopped[name] = now + self.random.uniform(min(5, longest),
                                                       longest)
        self.stops[name] += 1

    def disturb(self):
        begin = time.monotonic()
        next_kill, next_stop = begin + KILL_EVERY, begin + STOP_EVERY / 2
        away = (begin + 0.4 * self.seconds, begin + 0.6 * self.seconds)
        restart = {}  # name -> when
        while True:
            now = time.monotonic()
            if now >= begin + self.seconds or self.over.is_set():
                break
            if away[0] <= now < away[1] and restart.get("logger") != away[1]:
                if self.daemons["logger"].alive():
                    self.kill("logger")
                restart["logger"] = away[1]
                self.logger_down = away[1] - away[0]
            if now >= next_kill:
                next_kill += KILL_EVERY
                name = self.random.choice(self.alive())
                self.kill(name)
                restart.setdefault(name, now + self.random.uniform(0, 1))
            if now >= next_stop:
                next_stop += STOP_EVERY
                self.stop_one(now)
            for name in [n for n, at in restart.items() if at <= now]:
                del restart[name]
                self.start(name)
            for name in [n for n, at in self.stopped.items() if at <= now]:
                self.resume(name)
            time.sleep(0.05)
        for name in list(self.stopped):
            self.resume(name)
        for name in PROCESSES:
            if not self.daemons[name].alive():
                assert name in restart, f"{name} ended by itself"
                self.start(name)

    def push_images(self):
        """One container after the other, in steps that overtake each other;
        each push again until it is acknowledged."""
        n = 0
        while not self.over.wait(self.random.uniform(*self.PUSH_EVERY)):
            name = self.random.choice(CONTAINERS)
            digest = self.random.choice(self.digests[name])
            version = self.digests[name].index(digest) + 1
            n += 1
            body = {"events": [{
                "id": f"image-{n}", "action": "push",
                "timestamp": "2026-01-02T03:04:05.678Z",
                "target": {
                    "mediaType": "application/vnd.docker.distribution"
                                 ".manifest.v2+json",
                    "digest": digest, "repository": f"storm/{name}",
                    "tag": f"v{version}"}}]}
            while True:
                try:
                    answer = self.stack.post(body, "registry")
                    if answer.status == 202:
                        break
                except OSError:
                    pass
                time.sleep(0.2)
            self.pushed.append((answer.json()["id"], name, digest))

    def run(self):
        history = self.stack.path("history")
        pusher = threading.Thread(target=self.push_images)
        sender = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "sender.py"),
             str(self.stack.ingress_port), history, str(self.rate),
             str(self.seconds), str(self.total), str(self.seed)],
            stdout=subprocess.PIPE, text=True)
        pusher.start()
        try:
            self.disturb()
            self.tally = json.loads(sender.communicate(timeout=self.seconds + 1800)[0])
        finally:
            self.over.set()
            sender.kill()
            pusher.join()
        with open(history) as f:
            self.acked = [line.split() for line in f]
        assert len(self.acked) == self.tally["acked"]

    # ---- after

    def open_log(self):
        return sqlite3.connect(
            f"file:{self.stack.path('logger/log.db')}?mode=ro", uri=True)

    def wanted(self):
        """(event, trigger) -> status; None: however a redeploy ends well."""
        want = {}
        for _, event, repository, _ in self.acked:
            for trigger, status in expected(repository).items():
                want[event, trigger] = status
        for event, name, _ in self.pushed:
            want[event, "never"] = "untriggered"
            want[event, name] = None
        return want

    def settle(self, want):
        """All rows are there, and then ingress knows it of each event: one
        whose matcher was killed between its rows and its ACK is leased again."""
        begin = moved = time.monotonic()
        had, left = 0, 1
        with self.open_log() as log:
            while had < want or left:
                time.sleep(0.2)
                before, had = (had, left), log.execute(
                    "select count(*) from record where final"
                    " and \"trigger\" is not null").fetchone()[0]
                if had >= want:
                    left = sum(n for state, n in self.spool().items()
                               if state != "done")
                if (had, left) != before:
                    moved = time.monotonic()
                assert time.monotonic() - moved < SETTLE, \
                    f"{had} of {want} final rows, {left} events not done, " \
                    f"and none came for {SETTLE} s"
        self.settled = time.monotonic() - begin

    def end(self):
        """Every process, by SIGTERM."""
        begin = time.monotonic()
        for name in PROCESSES:
            self.daemons[name].terminate()
        for name in PROCESSES:
            assert self.daemons[name].ended() == 0, name
        self.ended = time.monotonic() - begin
        kept("every process has ended", self.ended, 10)

    def check(self):
        want = self.wanted()
        self.settle(len(want))
        time.sleep(2)  # a wrong second row would come now
        self.end()
        with self.open_log() as log:
            rows = log.execute(
                "select event, \"trigger\", status, final from record"
                " where \"trigger\" is not null").fetchall()
        finals = collections.Counter(
            (event, trigger) for event, trigger, _, final in rows if final)
        got = {(event, trigger): status
               for event, trigger, status, final in rows if final}
        self.lost = [k for k in want if k not in got]
        self.double = [k for k, n in finals.items() if n > 1]
        # A second deployer that ran the same job: its row is not final.
        self.unasked = [k for k in got if k not in want]
        wrong = {k: (got[k], status) for k, status in want.items()
                 if k in got and status and got[k] != status}
        ends = collections.Counter(
            got.get((event, name)) for event, name, _ in self.pushed)
        assert not self.lost, (len(self.lost), self.lost[:5])
        assert not self.double and not self.unasked
        assert not wrong, list(wrong.items())[:5]
        assert set(ends) <= {"deployed", "unchanged", "superseded"}, ends
        self.check_deliveries(want)
        self.check_containers()
        self.check_spool()
        return {
            **self.tally, "pushes_of_images": len(self.pushed),
            "redeploys": dict(ends), "final_rows": len(got),
            "kills": sum(self.kills.values()),
            "killed": dict(self.kills), "stopped": dict(self.stops),
            "logger_down_s": round(self.logger_down),
            "lost": len(self.lost), "double_finals": len(self.double),
            "deliveries": self.deliveries, "repeated": self.repeated,
            "repeated_at_most": self.in_flight,
            "settled_s": round(self.settled, 1),
            "ended_s": round(self.ended, 1)}

    def check_deliveries(self, want):
        """Each under one id; what came twice was in flight at a kill."""
        ids = collections.defaultdict(collections.Counter)
        with open(self.ids) as f:
            for line in f:
                path, name = line.split()
                ids[path][name] += 1
        due = collections.Counter()
        for event, trigger in want:
            if trigger.startswith("hook-"):
                _, n, half = trigger.split("-")
                due[f"/{n}/{half}"] += 1
        assert {p: len(c) for p, c in ids.items()} == dict(due)
        self.deliveries = sum(due.values())
        self.repeated = sum(c.total() for c in ids.values()) - self.deliveries
        moments = sum(n for name, n in (self.kills + self.stops).items()
                      if name.startswith("deployer"))
        self.in_flight = moments * IN_FLIGHT
        assert self.repeated <= self.in_flight, self.repeated

    def check_containers(self):
        newest = {name: digest for _, name, digest in self.pushed}
        for name, digest in newest.items():
            there = [c for c in self.engine.containers()
                     if name in c["Names"][0]]
            assert [c["Names"] for c in there] == [["/" + name]], there
            now = self.engine.inspect(name)
            image = self.engine.image(
                f"{self.registry.host}/storm/{name}@{digest}")
            assert image and now["Image"] == image["Id"], (name, digest)
            assert now["State"]["Status"] == "running"

    def spool(self):
        path = self.stack.path("ingress/spool.db")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as spool:
            return dict(spool.execute(
                "select state, count(*) from event group by state"))

    def check_spool(self):
        states = self.spool()
        assert states == {"done": len(self.acked) + len(self.pushed)}, states

    def close(self):
        for daemon in self.daemons.values():
            daemon.kill()
        if self.sink:
            self.sink.kill()
            self.sink.wait()
        for name in CONTAINERS:
            self.engine.remove_all(name)
        self.stack.close()


def run(engine, registry, seconds, rate, total, seed):
    storm = Storm(engine, registry, seconds, rate, total, seed)
    storm.prepare()
    try:
        storm.run()
        return storm.check()
    except BaseException:
        storm.stack.daemons = storm.daemons
        for name, daemon in storm.daemons.items():
            print(f"---- {name}", *daemon.log().splitlines()[-40:], sep="\n")
        raise
    finally:
        storm.close()


def main():
    given = [float(a) for a in sys.argv[1:]]
    seconds, rate, total = given + [600, 1000, 600000][len(given):]
    seed = os.environ.get("SEED", str(random.randrange(1 << 32)))
    print(f"SEED={seed}: {seconds:.0f} s, {rate:.0f} events a second",
          flush=True)
    engine = docker.Engine(os.environ.get("PULLWIRE_ENGINE", "engine-storm"))
    registry = docker.Registry(
        os.environ.get("PULLWIRE_REGISTRY", "registry-storm"))
    print(json.dumps(run(engine, registry, seconds, rate, int(total), seed),
                     indent=1))


if __name__ == "__main__":
    main()
