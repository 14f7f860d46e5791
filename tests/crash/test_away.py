"""Processes that are stopped, cut off or told another time: what they held
goes to others, and when they come back nothing is done twice."""
import os
import signal
import subprocess
import threading
import time

import pytest

import pushes
from peer.sink import Sink
from rig import images
from rig.docker import TOP
from rig.drive import Proxy, check_only, names
from rig.stack import Daemon, free_port, kept, wait_for

MATCHERS = ("matcher-1", "matcher-2")


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def triggers(sink):
    return [{"name": "tell", "repository": "shop/*", "url": sink.url()},
            {"name": "never", "repository": "shop/*", "tags": ["other"],
             "url": sink.url()}]


def push_all(stack, prefix, n=40):
    return [stack.push("shop/web", f"{prefix}{i}") for i in range(n)]


def all_final(stack, events):
    want = {(e, t) for e in events for t in ("tell", "never")}
    wait_for("every final row", lambda: want <= {
        (r["event"], r["trigger"]) for r in stack.finals()})


def check_once(stack, sink, events, repeated=0):
    rows = stack.finals()
    assert len(rows) == 2 * len(events), "one final row each"
    ids = [r["headers"]["webhook-id"] for r in sink.requests]
    assert len(set(ids)) == len(events)
    assert len(ids) <= len(events) + repeated


@pytest.mark.parametrize("victim", ["matcher-1", "deployer", "logger"])
def test_stopped_for_longer_than_its_leases(stacks, sink, victim):
    """SIGSTOP with work in hand; others take over a matcher's. What it says
    when it goes on is too late, and is not counted."""
    stack = stacks(triggers(sink))
    stack.start("logger", "deployer", *MATCHERS, "ingress")
    events = push_all(stack, "a", 5)
    process = stack.daemons[victim].process
    process.send_signal(signal.SIGSTOP)
    events += push_all(stack, "b")
    if victim == "matcher-1":
        all_final(stack, events)
    else:
        time.sleep(7)  # longer than a peer may be silent
    process.send_signal(signal.SIGCONT)
    events += push_all(stack, "c", 5)
    all_final(stack, events)
    time.sleep(0.5)
    check_once(stack, sink, events)
    assert all(d.alive() for d in stack.daemons.values())


class Network:
    """A second network, a matcher's, with a wire to ours that can be cut."""

    def __init__(self):
        self.name = f"pw{os.getpid()}"
        # Of the range for benchmarks, which no machine uses.
        net = f"198.18.{os.getpid() % 256}."
        self.here, self.there = net + "1", net + "2"

    def ip(self, *args):
        subprocess.run(["ip", *args], check=True)

    def up(self):
        self.ip("netns", "add", self.name)
        self.ip("link", "add", self.name, "type", "veth", "peer", "name",
                "wire", "netns", self.name)
        self.ip("addr", "add", self.here + "/30", "dev", self.name)
        self.ip("link", "set", self.name, "up")
        inside = ("-n", self.name)
        self.ip(*inside, "addr", "add", self.there + "/30", "dev", "wire")
        self.ip(*inside, "link", "set", "wire", "up")
        self.ip(*inside, "link", "set", "lo", "up")

    def cut(self, cut):
        self.ip("link", "set", self.name, "down" if cut else "up")

    def down(self):
        subprocess.run(["ip", "netns", "del", self.name])
        subprocess.run(["ip", "link", "del", self.name],
                       stderr=subprocess.DEVNULL)


@pytest.fixture
def network():
    made = Network()
    try:
        made.up()
    except subprocess.CalledProcessError:
        made.down()
        pytest.skip("no network namespaces here")
    yield made
    made.down()


class Far(Daemon):
    """A daemon in the other network."""

    def __init__(self, stack, role, name, network):
        real, stack.build = stack.build, os.path.join(stack.dir, "far")
        os.makedirs(stack.build, exist_ok=True)
        program = os.path.join(stack.build, "pullwire-" + role)
        with open(program, "w") as f:
            f.write(f"#!/bin/sh\nexec ip netns exec {network.name} "
                    f"{os.path.join(real, 'pullwire-' + role)} \"$@\"\n")
        os.chmod(program, 0o700)
        try:
            super().__init__(stack, role, name, {})
        finally:
            stack.build = real


def test_matcher_that_loses_its_network(stacks, sink, network):
    """No goodbye, no reset, packets just stop: its events go to the other
    one; when the network is back it works again."""
    stack = stacks(triggers(sink), links="plain")
    for role in ("ingress", "deployer", "logger"):
        link = f"tcp://{network.here}:{free_port()}"
        stack.settings[role]["link"] = link
        stack.settings["matcher"][role] = [link]
    stack.write()
    stack.start("logger", "deployer", "ingress")
    stack.daemons["matcher-far"] = Far(stack, "matcher", "matcher-far",
                                       network)

    def by(name, events):
        return {r["event"] for r in stack.finals(trigger="never")
                if r["instance"] == name} & set(events)

    events = push_all(stack, "a", 20)
    all_final(stack, events)
    assert len(by("matcher-far", events)) == 20
    network.cut(True)
    lost = push_all(stack, "b", 20)  # some are sent into the void
    stack.start("matcher-near")
    all_final(stack, events + lost)
    assert len(by("matcher-near", lost)) == 20
    network.cut(False)
    stack.stop("matcher-near")
    back = push_all(stack, "c", 20)
    all_final(stack, events + lost + back)
    assert len(by("matcher-far", back)) == 20
    check_once(stack, sink, events + lost + back)


@pytest.fixture(scope="module")
def clockstep(tmp_path_factory):
    lib = str(tmp_path_factory.mktemp("lib") / "clockstep.so")
    subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-o", lib,
                    os.path.join(TOP, "tests", "crash", "clockstep.c"),
                    "-ldl"], check=True)
    return lib


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_clocks_stepped_by_an_hour(stacks, sink, clockstep, seconds):
    """While events flow and a delivery waits for its next try: nothing is
    lost or repeated, order holds, the try is not an hour late."""
    stack = stacks(triggers(sink), deployer={"schedule": ["0s", "2s", "2s"]})
    stack.environment = {"LD_PRELOAD": clockstep,
                         "CLOCKSTEP": stack.path("step")}
    stack.start()
    events = push_all(stack, "a", 10)
    all_final(stack, events)
    sink.statuses = [500, 200]
    events += push_all(stack, "b", 1)
    wait_for("the first try", lambda: stack.rows(
        event=events[-1], status="500"))
    with open(stack.path("step.new"), "w") as f:
        f.write(str(seconds))
    os.rename(stack.path("step.new"), stack.path("step"))
    events += push_all(stack, "c", 10)
    all_final(stack, events)
    for name in ("matcher", "ingress", "deployer", "logger"):
        stack.kill(name)
    stack.start("logger", "deployer", "matcher", "ingress")
    events += push_all(stack, "d", 10)
    all_final(stack, events)
    assert events == sorted(events), "ids go on from where they were"
    check_once(stack, sink, events, repeated=1)


def test_sigterm_with_work_in_hand(stacks):
    """A receiver that does not answer, a backlog, and everybody is asked to
    stop: within ten seconds they have, and the rest is done afterwards."""
    slow = Sink(delay=30)
    stack = stacks(triggers(slow))
    stack.start("logger", "deployer", *MATCHERS, "ingress")
    events = push_all(stack, "a")
    wait_for("a post is under way", lambda: slow.requests)
    for daemon in stack.daemons.values():
        daemon.terminate()
    since = time.monotonic()
    for daemon in stack.daemons.values():
        assert daemon.ended() == 0
    kept("all have ended", time.monotonic() - since, 10)
    assert not [d.name for d in stack.daemons.values()
                if "not drained after" in d.log()]
    slow.delay = 0
    stack.start("logger", "deployer", *MATCHERS, "ingress")
    all_final(stack, events)
    check_once(stack, slow, events, repeated=1)
    slow.close()


class Hangs:
    """Calls of an engine that are not answered before go()."""

    def __init__(self, engine, path, calls):
        self.calls, self.held = calls, []
        self.going = threading.Event()
        self.proxy = Proxy(engine, path)
        self.proxy.fake = self.hold

    def hold(self, method, path):
        for call in self.calls:
            if call in path and not self.going.is_set():
                self.held.append(call)
                self.going.wait()

    def go(self):
        self.going.set()


@pytest.fixture
def hanging(engine, registry, tmp_path):
    """Two containers of an engine that hangs: one's new image is not pulled,
    the other's new container is not made."""
    digests, apps = {}, ("hang-pull", "hang-make")
    engine.remove_all(*apps)
    for app in apps:
        images.put(engine, registry, "hang/" + app, "v1")
        engine.run(app, f"{registry.host}/hang/{app}:v1", volume=app)
        digests[app] = images.put(engine, registry, "hang/" + app, "v2",
                                  keep=app == "hang-make")
    hangs = Hangs(engine, str(tmp_path / "d.sock"), [
        "fromImage=" + registry.host.replace(":", "%3A") + "%2Fhang%2F"
        "hang-pull", "/containers/create?name=hang-make"])
    yield hangs, digests
    hangs.go()
    hangs.proxy.shutdown()
    engine.remove_all(*apps)


def test_sigterm_with_what_does_not_end(engine, registry, stacks, sink,
                                        hanging):
    """An engine and a receiver that hang, and an event that no deployer takes
    any more: all end in time and say what is left. Then the engine does late
    what it was asked for, and the next processes bring all to its end."""
    hangs, digests = hanging
    sink.delay = 60
    stack = stacks(
        [{"name": app, "repository": "hang/" + app, "deploy": {
            "container": app}} for app in digests]
        + [{"name": "tell", "repository": "hang/hang-pull",
            "url": sink.url()},
           {"name": "late", "repository": "shop/late", "url": sink.url()}],
        {"local": hangs.proxy.server_address})
    stack.settings["sources"][0]["registry"] = registry.host
    stack.write()
    stack.start()
    jobs = {(stack.push("hang/" + app, "v2", digest), app): "deployed"
            for app, digest in digests.items()}
    jobs.update({(e, "tell"): "200" for e, t in jobs if t == "hang-pull"})
    wait_for("the engine and the receiver hang",
             lambda: len(hangs.held) == 2 and sink.requests)
    since = time.monotonic()
    stack.daemons["deployer"].terminate()
    wait_for("the deployer takes nothing any more", lambda: "asked to stop"
             in stack.daemons["deployer"].log())
    jobs[stack.push("shop/late", "v1"), "late"] = "200"
    for name in "logger", "matcher", "ingress":
        stack.daemons[name].terminate()
    assert [d.ended() for d in stack.daemons.values()] == [0] * 4
    kept("all have ended", time.monotonic() - since, 10)
    late = [d.name for d in stack.daemons.values()
            if "not drained after" in d.log()]
    assert late == ["deployer"]
    said = stack.daemons["deployer"].log()
    assert "stopped with 2 under way" in said
    for event, app in jobs:
        assert (f"{event}/{app}: is left under way" in said) == \
            (app in digests)

    sink.delay = 0
    hangs.go()
    wait_for("the engine has made it", lambda: len(names(
        engine, "hang-make")) == 2)
    stack.start()
    wait_for("every final row", lambda: len(stack.finals()) >= len(jobs))
    assert {(r["event"], r["trigger"]): r["status"]
            for r in stack.finals()} == jobs
    assert len(stack.finals()) == len(jobs), "one final row each"
    for app in digests:
        check_only(engine, app, "v2")
    ids = [r["headers"]["webhook-id"] for r in sink.requests]
    assert len(set(ids)) == 2 and len(ids) <= 3


def test_sigterm_under_load(stacks, sink):
    """Pushes go on while one after the other, and then all at once, are told
    to end: within ten seconds, with status 0, and nothing is done twice."""
    stack = stacks(pushes.triggers(sink)).start()
    sender = pushes.Sender(stack)
    took = {}
    for names in (["ingress"], ["matcher"], ["deployer"], ["logger"],
                  ["logger", "deployer", "matcher", "ingress"]):
        before = len(sender.acked)
        wait_for("pushes flow", lambda: len(sender.acked) > before + 20)
        since = time.monotonic()
        for name in names:
            stack.daemons[name].terminate()
        for name in names:
            assert stack.daemons[name].ended() == 0
            assert "not drained after" not in stack.daemons[name].log()
        took["+".join(names)] = round(time.monotonic() - since, 2)
        stack.start(*names)
    print(took)
    kept("the slowest has ended", max(took.values()), 10)
    pushes.settle(stack, sender, sink, repeats=64)
