"""An event that kills whoever is given it: found, parked, shown, released."""
import os
import sqlite3
import threading
import time

from peer.sink import Sink
from rig.stack import BUILD_FAIL, Daemon, wait_for


class Keeper:
    """Starts daemons, and again whenever they die, as an orchestrator does."""

    def __init__(self, stack, fail, *names):
        self.stack, self.names = stack, names
        self.env = {"PULLWIRE_FAIL": fail, "PULLWIRE_FAIL_DIR": stack.fail_dir}
        self.over, self.deaths = threading.Event(), 0
        for name in names:
            self.start(name)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def start(self, name):
        role = name.partition("-")[0]
        os.makedirs(self.stack.path(role), mode=0o700, exist_ok=True)
        self.stack.daemons[name] = Daemon(self.stack, role, name, self.env)

    def run(self):
        while not self.over.wait(0.02):
            for name in self.names:
                if not self.stack.daemons[name].alive():
                    self.deaths += 1
                    self.start(name)

    def close(self):
        self.over.set()
        self.thread.join()


def test_event_that_kills_matchers(stacks):
    """Five deaths and it is parked; its neighbours, which were with it, are
    decided; when the cause is mended it is released, and decided too."""
    stack = stacks([{"name": "never", "repository": "shop/**",
                     "tags": ["other"], "url": "http://127.0.0.1:1025/"}],
                   build=BUILD_FAIL)
    stack.start("logger", "deployer", "ingress")
    events = [stack.push("shop/web", f"v{i}") for i in range(30)]
    poison = stack.push("shop/web", "poison")
    events += [stack.push("shop/web", f"w{i}") for i in range(30)]
    keeper = Keeper(stack, "matcher.tag.poison:die", "matcher-1", "matcher-2")
    try:
        row = wait_for("it is parked", lambda: stack.rows(
            event=poison, status="failed"), 300)[0]
        for event in events:
            assert stack.wait_final(event)["status"] == "untriggered"
        # Once with its neighbours, then alone; at most once more for each
        # matcher that was given others with it.
        assert 5 <= keeper.deaths <= 8, keeper.deaths
        assert not row["final"] and "parked" in row["reason"], row
        listed = stack.run("ingress", "parked").stdout
        assert poison in listed and "1 parked event\n" in listed, listed
        deaths = keeper.deaths
        time.sleep(1)
        assert keeper.deaths == deaths, "it was given out again"
    finally:
        keeper.close()
    stack.stop("matcher-1")
    stack.stop("matcher-2")
    stack.start("matcher-1")
    assert stack.run("ingress", "release", poison).returncode == 0
    assert stack.wait_final(poison)["status"] == "untriggered"
    assert "0 parked events" in stack.run("ingress", "parked").stdout
    assert len(stack.finals()) == len(events) + 1


def test_job_that_kills_deployers(stacks):
    """Cut off five times in a row it ends with a row; what was posted at the
    same time is delivered, and it can be redelivered when all is well."""
    sinks = [Sink() for _ in range(6)]
    stack = stacks([{"name": f"tell-{i}", "repository": f"shop/app{i}",
                     "url": sink.url()} for i, sink in enumerate(sinks)],
                   build=BUILD_FAIL)
    stack.start("logger", "matcher", "ingress")
    keeper = Keeper(stack, "deployer.tag.poison:die", "deployer")
    try:
        events = [stack.push(f"shop/app{i % 5}", f"v{i}") for i in range(20)]
        poison = stack.push("shop/app5", "poison")
        events += [stack.push(f"shop/app{i % 5}", f"w{i}") for i in range(20)]
        row = wait_for("it is parked", lambda: stack.rows(
            event=poison, status="failed"), 300)[0]
        assert row["final"] and "parked" in row["reason"], row
        assert keeper.deaths >= 5
        for event in events:
            assert stack.wait_final(event)["status"] == "200"
        deaths = keeper.deaths
        time.sleep(1)
        assert keeper.deaths == deaths
    finally:
        keeper.close()
    stack.stop("deployer")
    stack.start("deployer")
    told = stack.run("deployer", "redeliver", row["id"])
    assert told.returncode == 0, told.stderr
    wait_for("it is delivered", lambda: stack.rows(event=poison,
                                                   status="200"))
    for sink in sinks:
        sink.close()


def test_job_that_kills_deployers_before_its_commit(stacks):
    """Its matcher gives it again and again: five deaths and it has its row;
    its neighbours are taken, one at a time."""
    sink = Sink()
    stack = stacks([{"name": "tell", "repository": "shop/**",
                     "url": sink.url()}], build=BUILD_FAIL)
    stack.start("logger", "matcher", "ingress")
    events = [stack.push("shop/app", f"v{i}") for i in range(10)]
    poison = stack.push("shop/app", "poison")
    events += [stack.push("shop/app", f"w{i}") for i in range(10)]
    keeper = Keeper(stack, "deployer.intake.poison:die", "deployer")
    try:
        row = wait_for("it is parked", lambda: stack.rows(
            event=poison, status="failed"), 300)[0]
        assert row["final"] and row["reason"].startswith(
            "parked: the deployer died 5 times in a row"), row
        for event in events:
            assert stack.wait_final(event)["status"] == "200"
        deaths = keeper.deaths
        assert 5 <= deaths <= 7, deaths
        time.sleep(1)
        assert keeper.deaths == deaths
    finally:
        keeper.close()
    assert len(stack.finals()) == len(events) + 1
    sink.close()


def test_after_a_death_a_slow_receiver_holds_nobody(stacks):
    """What was under way is run one at a time, but not for long."""
    slow, quick = Sink(delay=3600), Sink()
    stack = stacks([{"name": "slow", "repository": "shop/slow",
                     "url": slow.url()},
                    {"name": "quick", "repository": "shop/quick",
                     "url": quick.url()}]).start()
    stack.push("shop/slow", "v1")
    wait_for("it is under way", lambda: slow.requests)
    stack.kill("deployer")
    event = stack.push("shop/quick", "v1")
    stack.start("deployer")
    wait_for("it is under way again", lambda: len(slow.requests) == 2)
    assert stack.wait_final(event)["status"] == "200"
    assert len(slow.requests) == 2, "it is still under way"
    stack.kill("deployer")
    slow.close()
    quick.close()


def test_damaged_event_is_told_whatever_dies(stacks):
    """No logger has its row when ingress dies: it is told at the next start."""
    stack = stacks([])
    stack.start("ingress")
    event = stack.push("shop/web", "v1")
    stack.kill("ingress")
    with sqlite3.connect(stack.path("ingress/spool.db")) as spool:
        spool.execute("update event set sum = 'x'")
    stack.start("ingress")
    wait_for("it is parked", lambda: event in stack.run(
        "ingress", "parked").stdout)
    stack.kill("ingress")
    stack.start("logger", "ingress")
    row = wait_for("its row", lambda: stack.rows(event=event))[0]
    assert row["status"] == "failed" and row["final"], row
    assert "damaged" in row["reason"] and row["source"] == "push", row
