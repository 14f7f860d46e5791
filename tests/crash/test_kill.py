"""The kill matrix: each daemon, killed -9 at each moment of a redeploy.

A failure point stops one daemon at a named moment; meanwhile the victim,
which may be another one, is killed. If it has a store, power fails too: what
it never synced is gone (syncsnap.c). After its restart every accepted event
must have exactly one final row for each trigger, and exactly one right
container must run. The last tests prove that this can fail: with fsync taken
out of the store the same cases must turn red.
"""
import os
import subprocess
import threading
import time

import pytest

from peer.sink import Sink
from rig import images
from rig.stack import BUILD_FAIL, TOKEN, TOP, wait_for

VICTIMS = ("ingress", "matcher", "deployer", "logger")
POINTS = (
    "ingress.accepted",        # committed, not yet answered 202
    "ingress.leased",          # the event was sent to a matcher
    "deployer.job_committed",  # not yet acknowledged
    "deployer.mid_pull",
    "deployer.stopped",        # the old container; the new not started
    "deployer.before_final",   # deployed, the row neither stored nor sent
)
# How each trigger of the pushed image must end.
ENDS = {"web": "deployed", "notify": "200", "never": "untriggered"}


@pytest.fixture(scope="module")
def syncsnap(tmp_path_factory):
    lib = str(tmp_path_factory.mktemp("lib") / "syncsnap.so")
    subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-o", lib,
                    os.path.join(TOP, "tests", "crash", "syncsnap.c"),
                    "-ldl"], check=True)
    return lib


class Case:
    """One container on v1, four daemons, one push of v2, one kill."""

    def __init__(self, engine, registry, stacks, syncsnap, ends):
        self.engine, self.registry = engine, registry
        self.syncsnap, self.ends = syncsnap, ends
        engine.remove_all("web")
        images.put(engine, registry, "crash/web", "v1")
        self.digest = images.put(engine, registry, "crash/web", "v2",
                                 keep=False)
        engine.run("web", f"{registry.host}/crash/web:v1", ["GREETING=hi"],
                   volume="web")
        self.sink = Sink()
        triggers = [
            {"name": "web", "repository": "crash/web", "tags": ["v2"],
             "deploy": {"container": "web"}},
            {"name": "notify", "repository": "crash/web",
             "url": self.sink.url()},
            {"name": "never", "repository": "crash/web",
             "expression": "release-.*", "url": self.sink.url()}]
        self.stack = stacks(
            [t for t in triggers if t["name"] in ends],
            {"local": engine.sock},
            [{"name": "registry", "type": "distribution",
              "auth": {"bearer": TOKEN}, "registry": registry.host}],
            build=BUILD_FAIL, deployer={"schedule": ["0s"] + ["1s"] * 9})
        self.answers = []

    def close(self):
        self.sink.close()
        self.engine.remove_all("web")

    def post(self):
        """As the registry does: the same event until it is answered 2xx."""
        body = {"events": [{
            "id": "the-one-event", "action": "push",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "target": {
                "mediaType": "application/vnd.docker.distribution"
                             ".manifest.v2+json",
                "digest": self.digest, "repository": "crash/web",
                "tag": "v2", "url": f"http://{self.registry.host}/v2/crash"
                                    f"/web/manifests/{self.digest}"},
            "request": {"host": self.registry.host}}]}
        while True:
            try:
                answer = self.stack.post(body, "registry")
                if answer.status < 300:
                    self.answers.append(answer)
                    return
            except OSError:
                pass
            time.sleep(0.1)

    def run(self, victim, point, fail=""):
        owner = point.partition(".")[0]
        for name in ("logger", "deployer", "matcher", "ingress"):
            told = [f"{point}:pause"] if name == owner else []
            if fail and name == victim:
                told.append(fail)
            self.stack.start(
                name, fail=",".join(told) or None,
                snapshot=self.syncsnap if name == victim
                and name != "matcher" else None)
        sender = threading.Thread(target=self.post, daemon=True)
        sender.start()
        self.stack.wait_hit(point)
        self.stack.kill(victim)
        if victim != "matcher":
            self.stack.power_fail(victim)
        self.stack.go(point)
        self.stack.start(victim)
        sender.join(60)
        assert self.answers, "the event was never accepted"

    def settled(self):
        rows = self.stack.finals()
        return {r["trigger"] for r in rows} >= set(self.ends) and rows

    def check(self, seconds=60):
        wait_for("a final row of each trigger", self.settled, seconds)
        if "web" in self.ends:
            self.check_container()
        time.sleep(0.3)  # a wrong second row would come now
        rows = self.stack.finals()
        ends = sorted((r["trigger"], r["status"]) for r in rows
                      if r["trigger"])
        assert ends == sorted(self.ends.items()), rows
        assert len({r["event"] for r in rows if r["trigger"]}) == 1

    def check_container(self):
        there = [c["Names"][0] for c in self.engine.containers()
                 if "web" in c["Names"][0]]
        assert there == ["/web"], there
        now = self.engine.inspect("web")
        wanted = self.engine.image(
            f"{self.registry.host}/crash/web@{self.digest}")
        assert wanted and now["Image"] == wanted["Id"]
        assert now["State"]["Status"] == "running", now["State"]
        assert "GREETING=hi" in now["Config"]["Env"]
        assert [m["Name"] for m in now["Mounts"]] == ["web"]


@pytest.fixture
def cases(engine, registry, stacks, syncsnap):
    made = []

    def make(*triggers):
        made.append(Case(engine, registry, stacks, syncsnap,
                         {t: ENDS[t] for t in triggers}))
        return made[-1]

    yield make
    for case in made:
        case.close()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed(cases, victim, point):
    # Only one end is caught: here it shall be the redeploy's.
    case = cases("web", "never") if point == "deployer.before_final" \
        else cases("web", "notify", "never")
    case.run(victim, point)
    case.check()


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_after_a_delivery(cases, victim):
    """The receiver has answered, nothing is recorded yet: at least once,
    and the same bytes."""
    case = cases("notify")
    case.run(victim, "deployer.before_final")
    case.check()
    bodies = [r["body"] for r in case.sink.requests]
    assert 1 <= len(bodies) <= 2 and len(set(bodies)) == 1
    assert victim == "deployer" or len(bodies) == 1


# Lost, or so broken that the daemon says so and does not run.
RED = "still not: a final row|ended with"


def accepted_then_power_loss(stack, syncsnap, fail, seconds=60):
    """An event is answered 202, power fails, ingress comes back."""
    stack.start("ingress", fail=fail, snapshot=syncsnap)
    event = stack.push("crash/other", "v1")
    stack.kill("ingress")
    stack.power_fail("ingress")
    stack.start("logger", "deployer", "matcher", "ingress")
    return stack.wait_final(event, seconds=seconds)


def test_accepted_event_outlives_power_loss(stacks, syncsnap):
    row = accepted_then_power_loss(stacks([], build=BUILD_FAIL), syncsnap,
                                   None)
    assert row["status"] == "no_trigger"


def test_without_fsync_an_accepted_event_is_lost(stacks, syncsnap):
    with pytest.raises(AssertionError, match=RED):
        accepted_then_power_loss(stacks([], build=BUILD_FAIL), syncsnap,
                                 "db.nofsync:error", 5)


def test_without_fsync_the_matrix_turns_red(cases):
    case = cases("web", "never")
    with pytest.raises(AssertionError, match=RED):
        case.run("deployer", "deployer.before_final", "db.nofsync:error")
        case.check(8)
