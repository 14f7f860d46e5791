"""Pushes that go on while something fails, and what must hold afterwards."""
import collections
import http.client
import json
import os
import sqlite3
import threading
import time

from rig.stack import TOKEN, kept, wait_for, within

RATE = 40  # pushes a second
BACK = 5  # seconds after a recovery, then everything works


class Sender:
    """Pushes at RATE, each again until it is taken; who was told what."""

    def __init__(self, stack):
        self.stack = stack
        self.acked = []    # event ids
        self.answers = []  # (when it was asked, status), of all
        self.refused = collections.Counter()  # what was said with a 503
        self.wrong = []
        self.over = threading.Event()
        self.goes = threading.Event()
        self.goes.set()
        self.threads = [threading.Thread(target=self.run, args=(n,),
                                         daemon=True) for n in range(4)]
        for t in self.threads:
            t.start()

    def run(self, part):
        n, begin, c = 0, time.monotonic(), None
        while not self.over.is_set():
            if not self.goes.wait(0.05):
                begin += 0.05
                continue
            n += 1
            body = json.dumps({"events": [{
                "id": f"{part}-{n}", "action": "push",
                "timestamp": "2026-01-02T03:04:05.678Z",
                "target": {
                    "mediaType": "application/vnd.docker.distribution"
                                 ".manifest.v2+json",
                    "digest": f"sha256:{n:064x}", "repository": "shop/web",
                    "tag": "latest" if n % 8 == 0 else "other"}}]})
            while not self.over.is_set():
                if not os.path.exists(self.stack.config):
                    return  # the test has failed
                asked = time.monotonic()
                try:
                    c = c or http.client.HTTPConnection(
                        "127.0.0.1", self.stack.ingress_port, timeout=60)
                    c.request("POST", "/v1/webhooks/registry", body, {
                        "Authorization": "Bearer " + TOKEN,
                        "Content-Type": "application/json"})
                    answer = c.getresponse()
                    text = answer.read()
                except (OSError, http.client.HTTPException):
                    c = None
                    time.sleep(0.05)
                    continue
                self.answers.append((asked, answer.status))
                if answer.status == 202:
                    self.acked.append(json.loads(text)["id"])
                    break
                self.refused[text] += 1
                if answer.status != 503 or \
                        int(answer.headers["Retry-After"]) < 1:
                    self.wrong.append((answer.status, text))
                time.sleep(0.05)
            time.sleep(max(0, begin + n * 4 / RATE - time.monotonic()))

    def since(self, begin):
        """What was answered to those who asked since then."""
        return collections.Counter(s for t, s in self.answers if t > begin)

    def stop(self):
        self.goes.set()
        self.over.set()
        for t in self.threads:
            t.join()
        assert not self.wrong, self.wrong[:3]


def readiness(stack, daemon):
    """The sentences of why it is not ready; none: it is."""
    if daemon == "ingress":
        answer = stack.get("/readyz", stack.ingress_port)
        assert answer.status == (200 if answer.json()["ready"] else 503)
        return answer.json().get("reasons", [])
    got = stack.run(daemon, "health", PULLWIRE_INSTANCE=daemon)
    return [] if got.returncode == 0 else [got.stdout + got.stderr]


def works(stack):
    """One push the whole way, from its first try on."""
    event, begin = None, time.monotonic()
    while time.monotonic() < begin + 60:
        try:
            if event is None:
                answer = stack.post({"name": "shop/web", "tag": "latest"})
                event = answer.json()["id"] if answer.status == 202 else None
            elif len(stack.finals(event=event)) == 2:
                took = time.monotonic() - begin
                kept("the whole way after a recovery", took, BACK)
                print(f"    a new push the whole way: {took:.2f} s")
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("no whole way within a minute of the recovery: "
                         f"{'taken' if event else 'not taken'}")


def missing(stack, sender):
    """How many final rows are not there yet; read beside the logger."""
    with sqlite3.connect(f"file:{stack.path('logger/log.db')}?mode=ro",
                         uri=True) as log:
        got = set(log.execute("select event, \"trigger\" from record "
                              "where final"))
    return len({(e, t) for e in list(sender.acked)
                for t in ("tell", "never")} - got)


def catches_up(stack, sender, what):
    """What was begun is brought to its end without anything new."""
    begin = time.monotonic()
    within(f"{what}: every final row", lambda: not missing(stack, sender),
           BACK)
    print(f"    every final row: {time.monotonic() - begin:.2f} s after it")
    sender.goes.set()


def settle(stack, sender, sink, repeats):
    """Nothing lost, nothing twice."""
    sender.stop()
    wait_for("every final row", lambda: not missing(stack, sender))
    finals = [r for r in stack.finals() if r["trigger"]]
    each = collections.Counter((r["event"], r["trigger"]) for r in finals)
    assert set(each.values()) == {1}
    bad = [r for r in finals if r["status"] not in ("200", "untriggered")]
    assert not bad, bad[:3]
    sent = collections.Counter(
        r["headers"]["webhook-id"] for r in sink.requests)
    told = [r for r in finals if r["status"] == "200"]
    assert len(sent) == len(told)
    assert sum(sent.values()) - len(sent) <= repeats, sent.most_common(3)


def patient(stack):
    """The sender waits for a slow disk, so that no 503 comes of its time."""
    stack.settings["sources"][1]["answer_within"] = "60s"
    stack.write()


def triggers(sink):
    return [{"name": "tell", "repository": "shop/web", "tags": ["latest"],
             "url": sink.url()},
            {"name": "never", "repository": "shop/web", "tags": ["none"],
             "url": sink.url()}]
