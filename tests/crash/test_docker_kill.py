"""The Docker driver killed with -9 at each of its calls that change something
at a real engine, before the call and after it; and an engine that goes away.
After recovery, and the job itself where it must run again: one container, of
the right name, image and settings, and a second recovery changes nothing.
"""
import os
import shutil
import time

import pytest

from rig import drive as rig_drive
from rig import images
from rig.drive import (CRASH, PLAIN, SURE, check_only,  # noqa: F401
                       compose, drive, drive_program, names, put,
                       ref, run_auto_remove, version)
from rig.stack import free_port


# Before each change too, and every one of several containers' changes.
LONG = bool(os.environ.get("PULLWIRE_KILLS"))


def finish(d, want):
    """What the next process does: recovery, and the job where it must."""
    told = d.recover()
    if told and told[0]["status"] != "waiting":
        assert told[0]["status"] == want, told
    else:
        r = d.deploy()
        assert r["status"] == want, r
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == [], "a second recovery changed something"


def kill_matrix(d, engine, kind, setup):
    """Kills the deploy at each of its changes until it is not reached."""
    digest = put(d, "v2", files=[CRASH] if kind == "crash" else (),
                 health=images.UNHEALTHY if kind == "unhealthy" else PLAIN)
    want = "deployed" if kind == "good" else "rolled_back"
    d.grace = "300ms" if kind == "good" else SURE
    for when in ("before", "after") if LONG else ("after",):
        at, killed = 0, True
        while killed:
            at += 1
            engine.remove_all(d.name)
            setup()
            d.push("v2", digest)
            proxy = d.proxy(at, when)
            told = d.deploy(proxy=proxy)
            killed = told is None
            print(f"--- {kind}, killed {when} change {at}: "
                  f"{proxy.calls[-1] if proxy.calls else ''}")
            if killed:
                finish(d, want)
            else:
                assert told["status"] == want
            c = check_only(engine, d.name, "v2" if kind == "good" else "v1")
            assert "MINE=1" in c["Config"]["Env"]
            yield c
            d.wipe()
        assert at > 4, "the proxy saw too few changes"


@pytest.mark.parametrize("kind", ["good", "crash", "unhealthy"])
@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_killed_anywhere(drive, engine, order, kind):
    """Name, policy, volume, networks and port of the one that is left."""
    d, port = drive("drv-kill"), free_port()
    put(d, "v1")
    first = order == "start-first"
    d.how = {"order": order, "allow_shared_rw": True,
             "alias_after_health": True} if first else {}

    def setup():
        c = engine.call("POST", "/containers/create", {
            "Image": ref(d, "v1"), "Env": ["MINE=1"],
            "ExposedPorts": {"8080/tcp": {}}, "HostConfig": {
                "RestartPolicy": {"Name": "always"}, "NetworkMode": "drv-kill",
                "Binds": ["drv-kill:/data"], "PortBindings": {"8080/tcp": [{
                    "HostIp": "127.0.0.1",
                    "HostPort": "" if first else str(port)}]}},
            "NetworkingConfig": {"EndpointsConfig": {
                "drv-kill": {"Aliases": ["app"]}}}}, name="drv-kill")
        engine.call("POST", f"/containers/{c['Id']}/start")

    engine.call("POST", "/networks/create", {"Name": "drv-kill"})
    try:
        for c in kill_matrix(d, engine, kind, setup):
            assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
            assert c["HostConfig"]["Binds"] == ["drv-kill:/data"]
            assert c["NetworkSettings"]["Ports"]["8080/tcp"]
            nets = c["NetworkSettings"]["Networks"]
            assert set(nets) == {"drv-kill"}
            assert "app" in nets["drv-kill"]["Aliases"]
    finally:
        engine.remove_all("drv-kill")
        engine.call("DELETE", "/networks/drv-kill")


@pytest.mark.parametrize("kind", ["good", "crash"])
def test_killed_anywhere_auto_remove(drive, engine, kind):
    d = drive("drv-killrm")
    put(d, "v1")
    for c in kill_matrix(d, engine, kind,
                         lambda: run_auto_remove(d, ref(d, "v1"))):
        assert c["HostConfig"]["AutoRemove"]


def test_killed_among_replicas(drive, engine):
    """Those that are done are not done again."""
    d = drive("drv-killmany")
    put(d, "v1")
    digest = put(d, "v2")
    at, killed = 0, True
    while killed:
        at += 1 if LONG else 2
        engine.remove_all(d.name)
        for n in (1, 2):
            compose(d, n, ref(d, "v1"))
        d.push("v2", digest, compose="drv-killmany/app")
        killed = d.deploy(proxy=d.proxy(at), grace="100ms") is None
        if killed:
            finish(d, "deployed")
        assert names(engine, d.name) == [f"drv-killmany_app_{n}"
                                         for n in (1, 2)]
        for n in (1, 2):
            c = engine.inspect(f"drv-killmany_app_{n}")
            assert c["State"]["Status"] == "running"
            assert version(engine, c["Id"]) == "v2"
        d.wipe()
    assert at > 12


HOLD = ("app", "#!/bin/sh\ntrap 'exit 0' TERM\n"
        "while :; do sleep 1 & wait $!; done\n")


@pytest.mark.parametrize("kind", ["good", "crash"])
def test_killed_with_dependents(drive, engine, kind):
    """The one that shares its network ends on the one that is left."""
    d = drive("drv-killdep")
    put(d, "v1")
    put(d, "own", files=[HOLD])
    digest = put(d, "v2", files=[CRASH] if kind == "crash" else ())
    want, tag = ("deployed", "v2") if kind == "good" else ("rolled_back", "v1")
    d.grace = "100ms" if kind == "good" else SURE
    at, killed = 0, True
    while killed:
        at += 1 if LONG else 3
        engine.remove_all(d.name)
        old = engine.run(d.name, ref(d, "v1"), policy="always")
        c = engine.call("POST", "/containers/create", {
            "Image": ref(d, "own"), "HostConfig": {
                "NetworkMode": f"container:{old}",
                "RestartPolicy": {"Name": "always"}}}, name=d.name + "-1")
        engine.call("POST", f"/containers/{c['Id']}/start")
        d.push("v2", digest)
        told = d.deploy(proxy=d.proxy(at))
        killed = told is None
        if killed:
            finish(d, want)
        else:
            assert told["status"] == want
        assert names(engine, d.name) == [d.name, d.name + "-1"]
        target, other = (engine.inspect(n) for n in (d.name, d.name + "-1"))
        assert version(engine, d.name) == tag
        assert other["HostConfig"]["NetworkMode"] == f"container:{target['Id']}"
        for c in target, other:
            assert c["State"]["Status"] == "running"
            assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
        d.wipe()
    assert at > 9


def test_killed_while_it_ends(drive, engine):
    """Around the signal: one that was told, and takes its time to end, is not
    taken for one that runs, but is brought to its end and started."""
    d = drive("drv-killsig")
    slow = ("app", "#!/bin/sh\ntrap 'sleep 1; exit 0' INT\n"
            "while :; do sleep 1 & wait $!; done\n")
    put(d, "v1", files=[slow])
    d.how, digest = {"stop_signal": "INT"}, put(d, "v2", files=[slow])

    def deploy(at):
        engine.remove_all(d.name)
        d.wipe()
        old = engine.run(d.name, ref(d, "v1"), policy="always")
        since = engine.inspect(old)["State"]["StartedAt"]
        d.push("v2", digest)
        proxy = d.proxy(at)
        told = d.deploy(proxy=proxy, grace="100ms")
        assert (told is None) == (at > 0)
        return proxy.calls, since

    calls, _ = deploy(0)
    kill = next(i for i, c in enumerate(calls, 1) if "/kill?" in c)
    assert "/update" in calls[kill - 2] and "/stop" in calls[kill]
    for at in kill - 1, kill, kill + 1:
        _, since = deploy(at)
        # As if the job were never tried again.
        d.recover()
        c = check_only(engine, d.name, "v1")
        assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert c["State"]["StartedAt"] != since
        finish(d, "deployed")
        check_only(engine, d.name, "v2")


def test_killed_amid_a_stop(drive, engine):
    """The engine goes on with the stop that a dead deployer asked for: what
    still runs then is not taken for what goes on running."""
    d = drive("drv-amid")
    slow = ("app", "#!/bin/sh\ntrap 'sleep 2; exit 0' TERM\n"
            "while :; do sleep 1 & wait $!; done\n")
    put(d, "v1", files=[slow])
    digest = put(d, "v2", files=[slow])

    def deploy(at):
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"), policy="always")
        d.push("v2", digest)
        proxy = d.proxy(at, "amid")
        told = d.deploy(proxy=proxy, grace="100ms")
        assert (told is None) == (at > 0)
        return proxy.calls

    calls = deploy(0)
    deploy(next(i for i, c in enumerate(calls, 1) if "/stop" in c))
    d.recover()
    # As long as the stop takes at most.
    end = time.monotonic() + 3
    while time.monotonic() < end:
        check_only(engine, d.name, "v1")
        time.sleep(0.2)
    finish(d, "deployed")
    check_only(engine, d.name, "v2")


@pytest.mark.parametrize("at", [1, 3, 5, 6])
def test_engine_goes_away(drive, engine, at):
    """The job waits; recovery and the job itself put all in order."""
    d = drive("drv-cut")
    put(d, "v1")
    engine.run("drv-cut", ref(d, "v1"), policy="always")
    d.push("v2", put(d, "v2"))
    p = d.proxy(at, "cut")
    r = d.deploy(proxy=p)
    assert r["status"] == "waiting", r
    assert "does not answer" in r["reason"]
    finish(d, "deployed")
    check_only(engine, "drv-cut", "v2")


def test_a_name_that_is_refused_leads_back(drive, engine):
    """By an engine that has just started: both are whole again, and the job
    is done in its next try."""
    d = drive("drv-noname")
    put(d, "v1")
    digest = put(d, "v2")
    d.how = {"order": "start-first"}
    at, proxy = 0, None
    while not (proxy and proxy.calls[-1].endswith("/start")):
        at += 1
        engine.remove_all(d.name)
        engine.run(d.name, ref(d, "v1"))
        d.push("v2", digest)
        proxy = d.proxy(at)
        assert d.deploy(proxy=proxy) is None
        refused = []

    def fake(method, path):
        if refused or not path.endswith("/rename?name=drv-noname"):
            return None
        refused.append(path)
        return 404, {"message": "sandbox not found"}

    proxy = d.proxy()
    proxy.fake = fake
    told = d.recover(proxy=proxy)
    assert refused and told[0]["status"] == "waiting", told
    check_only(engine, d.name, "v1")
    assert d.deploy()["status"] == "deployed"
    check_only(engine, d.name, "v2")


def test_a_refusal_does_not_stop_ourselves(drive, engine, tmp_path, monkeypatch):
    """Who recovers may be the new one itself: it does not go back then, for
    that would end it; the engine is asked again."""
    d = drive("drv-noself")
    put(d, "v1")
    digest = put(d, "v2")
    at, proxy = 0, None
    while not (proxy and proxy.calls[-1].endswith("/start")):
        at += 1
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"))
        d.push("v2", digest)
        proxy = d.proxy(at)
        assert d.deploy(proxy=proxy) is None
    # As the engine's own mounts in a container look.
    host = tmp_path / "containers" / engine.inspect(d.name)["Id"] / "passwd"
    host.parent.mkdir(parents=True)
    shutil.copy("/etc/passwd", host)
    inside = tmp_path / "inside"
    inside.write_text(f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {host} "
                      f"/etc/passwd && exec \"$@\"' sh {rig_drive.DRIVE} "
                      '"$@"\n')
    inside.chmod(0o755)
    monkeypatch.setattr(rig_drive, "DRIVE", str(inside))
    proxy = d.proxy()
    proxy.fake = lambda method, path: (
        500, {"message": "not now"}) if path.endswith("/update") else None
    try:
        d.recover(proxy=proxy)
    except AssertionError as e:
        assert "not now" in str(e), e
    assert version(engine, d.name) == "v2"
    assert engine.inspect(d.name)["State"]["Running"]
    assert [r["status"] for r in d.recover()] == ["deployed"]
    check_only(engine, d.name, "v2")


def test_another_deployer_stays_away(drive, engine):
    """One that is alive at the same engine is told of, and its deployment
    left alone, at each of its changes."""
    d, other = drive("drv-two"), drive("drv-two-other")
    put(d, "v1")
    digest = put(d, "v2")
    refused, at = 0, 0

    def look():
        before = names(engine, d.name)
        try:
            assert other.recover() == []
        except AssertionError as e:
            assert "another deployer (process " in str(e), e
            assert "is replacing drv-two" in str(e), e
            return 1
        finally:
            assert names(engine, d.name) == before
        return 0

    while True:
        at += 1
        engine.remove_all(d.name)
        engine.run(d.name, ref(d, "v1"))
        d.push("v2", digest)
        seen = []
        proxy = d.proxy(at, meddle=lambda: seen.append(look()))
        assert d.deploy(proxy=proxy)["status"] == "deployed"
        check_only(engine, d.name, "v2")
        if not seen:
            break
        refused += seen[0]
    assert refused >= 3, f"{refused} of {at - 1}"
    assert look() == 0


def test_another_deployer_keeps_one(drive, engine):
    """A failed container that the first keeps is no deployment under way: the
    second one leaves it alone, and does not wait for its end."""
    d, other = drive("drv-twokeep"), drive("drv-twokeep-other")
    put(d, "v1")
    digest = put(d, "v2", files=[CRASH])
    d.grace = SURE
    d.how = {"keep_failed": "1h", "post_check": ["true"]}
    told = []

    def deploy(proxy):
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"))
        d.push("v2", digest)
        assert d.deploy(proxy=proxy)["status"] == "rolled_back"
        return names(engine, d.name)

    def look():
        told.append(other.recover())

    calls = d.proxy()
    assert len(deploy(calls)) == 2
    # Before the last: the check that comes after all else.
    name, kept = deploy(d.proxy(len(calls.calls), meddle=look))
    assert told == [[]] and name == d.name and ".failed-" in kept


def test_killed_without_a_verdict(drive, engine):
    """What went back before the new one ran says nothing of its image."""
    d = drive("drv-killno")
    put(d, "v1")
    digest = put(d, "v2")
    at, killed = 0, True
    while killed:
        at += 1
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"))
        d.push("v2", digest)
        killed = d.deploy(proxy=d.proxy(at), cancel="1") is None
        for r in d.recover():
            assert r["status"] == "waiting", r
        check_only(engine, d.name, "v1")
        assert not any(" failed " in k for k in d.kept())
    assert at > 2
    assert d.deploy()["status"] == "deployed"


def test_verdict_outlives_two_crashes(drive, engine):
    """The first recovery finds the new one unhealthy and is killed on its way
    back; the second one ends that with the first one's reason."""
    d = drive("drv-killtwo")
    put(d, "v1")
    digest = put(d, "v2", health=images.UNHEALTHY)
    at, killed = 0, True
    while killed:
        at += 1 if LONG else 3
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"), policy="always")
        d.push("v2", digest)
        proxy = d.proxy(6)
        assert d.deploy(proxy=proxy) is None
        assert "/start" in proxy.calls[-1], proxy.calls
        told = d.recover(proxy=d.proxy(at))
        killed = told is None
        if killed:
            told = d.recover()
        assert [r["status"] for r in told] == ["rolled_back"]
        assert "unhealthy" in told[0]["reason"]
        check_only(engine, d.name, "v1")
        quiet = d.proxy()
        d.recover(proxy=quiet)
        assert quiet.calls == []
    assert at > 4


def test_killed_while_it_keeps(drive, engine):
    """On the way back of `keep_failed`: the old one runs, the failed one is
    there once, and what is there is noted."""
    d = drive("drv-killkeep")
    put(d, "v1")
    digest = put(d, "v2", files=[CRASH])
    d.grace, d.how = SURE, {"keep_failed": "1h"}

    def deploy(proxy):
        engine.remove_all(d.name)
        d.wipe()
        engine.run(d.name, ref(d, "v1"), policy="always")
        d.push("v2", digest)
        return d.deploy(proxy=proxy)

    def check(told):
        assert told["status"] == "rolled_back", told
        name, kept = names(engine, d.name)
        assert name == d.name and f" is kept as {kept} " in told["reason"]
        assert version(engine, name) == "v1"
        for n, policy in (name, "always"), (kept, "no"):
            c = engine.inspect(n)
            assert c["State"]["Running"] == (n == name)
            assert c["HostConfig"]["RestartPolicy"]["Name"] == policy
        noted, = (k for k in d.kept() if " kept " in k)
        assert noted.endswith(engine.inspect(kept)["Id"])
        quiet = d.proxy()
        d.recover(proxy=quiet)
        assert quiet.calls == []

    at, told = 6, None
    while told is None:
        told = deploy(d.proxy(at))
        check(told or d.recover()[0])
        at += 1 if LONG else 3
    assert at > 10
    # Between the note of the kept one and that of the end.
    calls, saved = d.proxy(), {}
    deploy(calls)

    def save():
        for f in d.journal():
            with open(os.path.join(d.dir, "journal", f)) as g:
                saved[f] = g.read()

    deploy(d.proxy(len(calls.calls), meddle=save))
    for f, text in saved.items():
        assert '"rollback"' in text
        with open(os.path.join(d.dir, "journal", f), "w") as g:
            g.write(text)
    check(d.recover()[0])
