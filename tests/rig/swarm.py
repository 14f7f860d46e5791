"""A Swarm of one node, the engine of the tests, and its services; one of them,
NAME, with a Drive of it."""
import json

import pytest

from . import images
from .docker import DockerError
from .drive import CRASH, put, ref
from .stack import free_port, wait_for

MS = 1000000  # ns
NAME = "swarm-web"
WATCHED = 60000  # ms: longer than a crash takes to be seen by a busy machine
BAD = {"crash": {"files": [CRASH]}, "unhealthy": {"health": images.UNHEALTHY}}


class Swarm:
    def __init__(self, engine):
        self.engine = engine
        self.leave()
        engine.call("POST", "/swarm/init", {
            "ListenAddr": f"127.0.0.1:{free_port()}",
            "AdvertiseAddr": "127.0.0.1"})

    def leave(self):
        try:
            self.engine.call("POST", "/swarm/leave", force="1")
        except DockerError:
            pass  # it was in none

    def service(self, name):
        try:
            return self.engine.call("GET", f"/services/{name}")
        except DockerError:
            return None

    def image(self, name):
        s = self.service(name)["Spec"]
        return s["TaskTemplate"]["ContainerSpec"]["Image"]

    def status(self, name):
        return self.service(name).get("UpdateStatus", {}).get("State")

    def tasks(self, name, **filters):
        return self.engine.call("GET", "/tasks", filters=json.dumps(
            {"service": [name], **filters}))

    def running(self, name):
        return [t for t in self.tasks(name) if t["DesiredState"] == "running"
                and t["Status"]["State"] == "running"]

    def spec(self, name, image, action="pause", replicas=1, mode=None,
             labels=None, monitor=300, **template):
        """Updates all at once, watched for so many ms: what fails later Swarm
        does not hold against the update, and the first that fails ends it at
        once, so that a long time costs only good images. stop-first: with the other order
        20.10 makes too many tasks where some crash meanwhile."""
        how = {"Parallelism": 0, "Order": "stop-first"}
        spec = {
            "Name": name, "Labels": labels or {},
            "TaskTemplate": {
                "ContainerSpec": {"Image": image, "Env": ["MINE=1"],
                                  "StopGracePeriod": 1000 * MS},
                "RestartPolicy": {"Condition": "any", "Delay": 500 * MS},
                **template},
            "Mode": mode or {"Replicated": {"Replicas": replicas}}}
        if "ReplicatedJob" not in spec["Mode"]:
            spec["UpdateConfig"] = {**how, "FailureAction": action,
                                    "Monitor": monitor * MS}
            spec["RollbackConfig"] = {**how, "FailureAction": "pause",
                                      "Monitor": 300 * MS}
        return spec

    def create(self, name, image, auth=None, **more):
        self.remove(name)
        spec = self.spec(name, image, **more)
        head = {"X-Registry-Auth": auth} if auth else {}
        made = self.engine.call("POST", "/services/create", spec, head)
        mode = spec["Mode"]
        wanted = mode.get("Replicated", {}).get("Replicas", 1)
        if "Replicated" in mode or "Global" in mode:
            wait_for(f"{name} runs",
                     lambda: len(self.running(name)) >= wanted)
        return made["ID"]

    def update(self, name, change):
        """change(spec), then an update as a person's."""
        def try_it():
            s = self.service(name)
            change(s["Spec"])
            try:
                self.engine.call("POST", f"/services/{s['ID']}/update",
                                 s["Spec"], version=s["Version"]["Index"])
            except DockerError as e:
                assert "out of sequence" in str(e), e
                return False
            return True

        wait_for(f"{name} is updated", try_it)

    def remove(self, name):
        try:
            self.engine.call("DELETE", f"/services/{name}")
        except DockerError:
            pass


@pytest.fixture(scope="module")
def swarm(engine):
    s = Swarm(engine)
    yield s
    s.leave()


@pytest.fixture
def sw(swarm, drive):
    """A Drive of the service NAME; .create() runs it at v1."""
    d = drive(NAME)
    d.job.pop("container")
    d.job["service"] = NAME
    d.swarm, d.digest = swarm, {"v1": put(d, "v1")}
    d.pinned = lambda tag: f"{ref(d, tag)}@{d.digest[tag]}"

    def create(action="pause", tag="v1", **more):
        return swarm.create(NAME, d.pinned(tag), action=action, **more)

    def push(tag, told=True, **how):
        d.digest[tag] = put(d, tag, **how)
        d.push(tag, d.digest[tag] if told else None)

    d.create, d.put = create, push
    yield d
    swarm.remove(NAME)


def updates(proxy):
    """What it asked to be changed, in a few words."""
    return ["back" if "rollback=previous" in c else "update"
            for c in proxy.calls if c.startswith("POST") and "/update?" in c]


def finish(sw, kind, sent):
    """What the next process does; sent: what the engine has got before."""
    quiet = sw.proxy()
    told = sw.recover(proxy=quiet)
    assert [r["status"] for r in told] == ["waiting"]
    assert sw.recover(proxy=quiet) == told and quiet.calls == []
    proxy = sw.proxy()
    r = sw.deploy(proxy=proxy)
    assert r["status"] == ("deployed" if kind == "good" else "rolled_back"), r
    want = ["update"] if kind == "good" else ["update", "back"]
    assert sent + updates(proxy) == want
    assert sw.swarm.image(NAME) == sw.pinned("v2" if kind == "good" else "v1")
    wait_for("one task runs", lambda: len(sw.swarm.running(NAME)) == 1)
