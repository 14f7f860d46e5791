#!/usr/bin/python3
"""Hours of work without rest: memory, descriptors and threads stay flat.

soak.py [MINUTES [RATE]]: the processes of the kill storm, of which one of each
kind is watched and never touched. Meanwhile sender.py posts RATE events a
second of which a fifth is notified twice, real images are pushed for two real
containers, the other matchers and the other deployer are killed or told to end
in turn and started again, so that the watched ones lose and find their peers,
the configuration changes (every third file is a bad one), and readers keep
streams of the page open for a while and ask for everything it shows. Every
second what each watched process has is noted; a line is fitted to the medians
of ten seconds, after a fifth of the time: what it rises by over the rest, as a
share of its mean, must stay below 5 %. (The logger's writer keeps 64 MiB of
pages, filled by some 80,000 rows: let the first fifth have as many.) At the end
the access log and the containers are compared with what was acknowledged, as
the storm does. The figures are printed as JSON.
"""
import http.client
import json
import os
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from rig import docker  # noqa: E402
from rig.stack import http as request, wait_for  # noqa: E402
from storm import Storm  # noqa: E402

WATCHED = ("ingress", "matcher-1", "deployer-2", "logger")
RESTARTED = ("matcher-2", "deployer-1", "matcher-3")
RESTART_EVERY, RELOAD_EVERY, SAMPLE_EVERY = 15, 20, 10
APART = 7  # no process starts while its file is a bad one
LIMIT = 5.0  # per cent
MEASURES = ("KiB", "files", "threads")
STREAMS, STREAM_S = 6, 12
PAGES = ("/", "/v1/records?limit=200", "/v1/records?status=deployed",
         "/v1/triggers", "/v1/queue", "/v1/processes", "/v1/setup", "/metrics",
         "/readyz")


def taken(pid):
    """In the order of MEASURES. Of the memory its own alone: pages of files
    come and go with the machine's."""
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return (int(fields["RssAnon"].split()[0]),
            len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]))


def growth(values):
    """What a line through them rises by from end to end, in per cent of
    their mean."""
    n, mean = len(values), statistics.mean(values)
    middle = (n - 1) / 2
    slope = sum((i - middle) * (v - mean) for i, v in enumerate(values)) / \
        sum((i - middle) ** 2 for i in range(n))
    return 100 * slope * (n - 1) / mean


class Soak(Storm):
    PUSH_EVERY = (3, 12)

    def __init__(self, *args):
        super().__init__(*args)
        self.samples = {name: [] for name in WATCHED}
        self.done = {"reloads": 0, "bad_files": 0, "streams": 0, "pages": 0}
        self.troubles = []  # what a reader met

    # ---- readers

    def trouble(self, what):
        self.troubles.append(
            f"after {time.monotonic() - self.begin:.1f} s: {what}")

    def answers(self):
        try:
            return request("GET", f"http://127.0.0.1:{self.stack.logger_port}"
                           "/readyz").status == 200
        except OSError:
            return False

    def stream(self, number):
        """A browser's stream, left without a word after a while."""
        while not self.over.is_set():
            c = http.client.HTTPConnection(
                "127.0.0.1", self.stack.logger_port, timeout=20)
            end = time.monotonic() + STREAM_S + number
            try:
                c.request("GET", "/v1/stream",
                          headers={"Accept": "text/event-stream"})
                answer = c.getresponse()
                if answer.status != 200:
                    self.trouble(f"stream: {answer.status}")
                while time.monotonic() < end and answer.read1(65536):
                    pass
                self.done["streams"] += 1
            except OSError as e:
                self.trouble(f"stream: {e}")
            c.close()

    def pages(self):
        while not self.over.wait(0.2):
            path = PAGES[self.done["pages"] % len(PAGES)]
            try:
                answer = request(
                    "GET", f"http://127.0.0.1:{self.stack.logger_port}{path}")
                if answer.status != 200:
                    self.trouble(f"{path}: {answer.status}")
            except OSError as e:
                self.trouble(f"{path}: {e}")
            self.done["pages"] += 1

    # ---- what goes on beside

    def replace(self, change):
        """Each process's file, changed so."""
        for path, text in self.files.items():
            with open(path + ".new", "w") as f:
                f.write(change(text))
            os.rename(path + ".new", path)

    def reload(self, turn):
        """A trigger more, without it again, and a bad file for a while."""
        if turn % 3 < 2:
            more = "" if turn % 3 else (
                '  - {"name": "another", "repository": "none/such", '
                '"url": "http://127.0.0.1:8099/"}\n')
            self.replace(lambda text: text.replace("triggers:\n",
                                                   "triggers:\n" + more))
            self.done["reloads"] += 1
        else:
            self.replace(lambda text: text + "nonsense: [\n")
            time.sleep(2)
            self.replace(lambda text: text)
            self.done["bad_files"] += 1

    def restart(self, turn):
        name = RESTARTED[turn % len(RESTARTED)]
        if turn // len(RESTARTED) % 2:
            self.kill(name)
        else:
            assert self.daemons[name].stop() == 0, name
            self.kills[name] += 1
        self.start(name)

    def disturb(self):
        paths = {self.stack.config, *(c.config for c in self.configs.values())}
        self.files = {}
        for path in paths:
            with open(path) as f:
                self.files[path] = f.read()
        # On a busy machine the logger may not listen yet; from now on it has to.
        wait_for("the logger answers", self.answers)
        self.begin = begin = time.monotonic()
        readers = [threading.Thread(target=self.stream, args=(n,), daemon=True)
                   for n in range(STREAMS)]
        readers.append(threading.Thread(target=self.pages, daemon=True))
        for reader in readers:
            reader.start()
        turn, reloads, second = 0, 0, []
        while (now := time.monotonic() - begin) < self.seconds:
            second.append([taken(self.daemons[n].process.pid)
                           for n in WATCHED])
            if len(second) == SAMPLE_EVERY:
                self.note(second, now)
                second = []
            if now > (turn + 1) * RESTART_EVERY:
                self.restart(turn)
                turn += 1
            if now > (reloads + 1) * RELOAD_EVERY + APART:
                self.reload(reloads)
                reloads += 1
            time.sleep(1)
        self.over.set()
        for reader in readers:
            reader.join(20)
        for name in WATCHED:
            assert self.daemons[name].alive(), f"{name} ended"

    def note(self, seconds, now):
        for i, name in enumerate(WATCHED):
            self.samples[name].append([
                statistics.median(s[i][k] for s in seconds)
                for k in range(len(MEASURES))])
        if len(self.samples["ingress"]) % 6 == 1:
            print(f"{now:5.0f} s: " + ", ".join(
                f"{n} {s[-1][0]:.0f} KiB {s[-1][1]:.0f} files"
                for n, s in self.samples.items()), flush=True)

    def flat(self):
        """Each measure of each watched process: first, last, growth."""
        told = {}
        for name, each in self.samples.items():
            rest = each[len(each) // 5:]
            told[name] = {
                what: {"from": rest[0][k], "to": rest[-1][k],
                       "growth_percent": round(growth([s[k] for s in rest]),
                                               2)}
                for k, what in enumerate(MEASURES)}
        return told


def main():
    given = [float(a) for a in sys.argv[1:]]
    minutes, rate = given + [60, 100][len(given):]
    seconds = minutes * 60
    soak = Soak(docker.Engine(os.environ.get("PULLWIRE_ENGINE", "engine-soak")),
                docker.Registry(os.environ.get("PULLWIRE_REGISTRY",
                                               "registry-soak")),
                seconds, rate, int(seconds * rate), "soak")
    try:
        soak.prepare()
        soak.run()
        told = {**soak.check(), **soak.done, **soak.flat()}
    except BaseException:
        for name, daemon in soak.daemons.items():
            print(f"---- {name}", *daemon.log().splitlines()[-40:], sep="\n")
        raise
    finally:
        soak.close()
    print(json.dumps(told, indent=1))
    assert not soak.troubles, soak.troubles[:20]
    grown = [(n, m, g) for n in WATCHED for m, g in
             ((m, told[n][m]) for m in MEASURES)
             if g["growth_percent"] > LIMIT]
    assert not grown, grown


if __name__ == "__main__":
    main()
