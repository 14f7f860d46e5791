"""Services of a Swarm: the driver alone against a real one."""
import json
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from rig.drive import PLAIN, drive, drive_program, put, ref  # noqa: F401
from rig.login import PrivateRegistry
from rig.stack import kept, wait_for
from rig.swarm import BAD, MS, NAME, WATCHED
from rig.swarm import finish, sw, swarm, updates  # noqa: F401

# ---- what is no service of a Swarm

def test_no_manager(engine, drive):
    d = drive(NAME)
    d.job["service"] = d.job.pop("container")
    d.push("v1", put(d, "v1"))
    r = d.deploy()
    assert (r["status"], r["retry"]) == ("failed", False)
    assert "engine local is in no Swarm" in r["reason"]
    assert "point engine local at a manager" in r["reason"]


def test_not_updated(sw, engine):
    """No such service, a job, a task's container: a sentence, and nothing is
    touched."""
    sw.push("v1", sw.digest["v1"])
    r = sw.deploy()
    assert r["status"] == "failed" and \
        f"there is no service {NAME} in the Swarm of engine local" \
        in r["reason"]
    sw.create(mode={"ReplicatedJob": {}},
              RestartPolicy={"Condition": "none"})
    sw.put("v2")
    r = sw.deploy()
    assert r["status"] == "refused" and "is a job" in r["reason"], r
    sw.create(labels={"pullwire.enable": "false"})
    r = sw.deploy()
    assert r["status"] == "refused" and "pullwire.enable=false" in r["reason"]
    assert sw.swarm.image(NAME) == sw.pinned("v1")
    task = sw.swarm.running(NAME)[0]
    name = f"{NAME}.1.{task['ID']}"
    assert engine.inspect(name)
    del sw.job["service"]
    sw.job["container"] = name
    r = sw.deploy()
    assert r["status"] == "refused", r
    assert f"say `deploy: {{service: {NAME}}}`" in r["reason"]
    assert sw.journal() == []


# What 20.10 told at these moments.
PREPARED = "This node is not a swarm manager. Manager is being prepared or has " \
    "trouble connecting to the cluster."
WORKER = "This node is not a swarm manager. Worker nodes can't be used to " \
    "view or modify cluster state. Please run this command on a manager node " \
    "or promote the current node to a manager."
LEADER = "rpc error: code = Unknown desc = The swarm does not have a leader. " \
    "It's possible that too few managers are online. Make sure more than " \
    "half of the managers are online."


def trouble(status, message, manager, error=""):
    """A fake of a Proxy: of the Swarm nothing but that is told."""
    def fake(method, path):
        if path.endswith("/info"):
            return 200, {"Swarm": {"LocalNodeState": "active", "Error": error,
                                   "ControlAvailable": manager}}
        if "/services" in path or "/tasks" in path:
            return status, {"message": message}
        return None
    return fake


def test_a_swarm_that_cannot_now(sw):
    """No leader, a worker, a manager that begins: it waits, and that is no end;
    also after the update was asked for."""
    sw.create()
    sw.put("v2")
    for fake, told in (
            (trouble(503, PREPARED, False), "Manager is being prepared"),
            (trouble(503, WORKER, False), "`docker node promote` it"),
            (trouble(500, LEADER, True, LEADER), "does not have a leader")):
        proxy = sw.proxy()
        proxy.fake = fake
        r = sw.deploy(proxy=proxy)
        assert r["status"] == "waiting" and r["again_ms"] == 10000, r
        assert told in r["reason"]
        assert f"service {NAME} cannot be updated now" in r["reason"]
        assert sw.journal() == [] and updates(proxy) == []
    proxy = sw.proxy(1)
    proxy.meddle = lambda: setattr(
        proxy, "fake", trouble(500, LEADER, True, LEADER))
    r = sw.deploy(proxy=proxy, rules={"health_timeout": "2s"})
    assert r["status"] == "waiting" and "does not have a leader" in r["reason"]
    assert len(sw.journal()) == 1
    finish(sw, "good", updates(proxy))


def test_labels_of_a_swarm_that_cannot_now(sw):
    """Its services have their triggers still: nothing is told of them, as of an
    engine that does not answer. A worker has none."""
    sw.create(labels={"pullwire.enable": "true"})
    proxy = sw.proxy()
    names = [t["name"] for t in sw.run("labels", proxy=proxy)["set"]["triggers"]]
    assert names == [NAME]
    proxy.fake = trouble(503, PREPARED, False)
    told = sw.run("labels", proxy=proxy)
    assert "has trouble with its Swarm" in told["error"], told
    proxy.fake = trouble(503, WORKER, False)
    assert sw.run("labels", proxy=proxy)["set"]["triggers"] == []


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_labels_by_the_engines_clock(engine, drive, ahead):
    """Whatever time it is there: what it tells of changes is asked for from the
    look on, until later than that."""
    d = drive(NAME)
    proxy, asked = d.proxy(), []

    def fake(method, path):
        if "/events?" not in path:
            return None
        asked.append(parse_qs(urlsplit(path).query))
        return 200, {}  # something changed

    proxy.ahead, proxy.fake = ahead, fake
    began = int(time.time()) + ahead
    assert "set" in d.run("labels", proxy=proxy, wait=1)
    since, until = (float(asked[0][k][0]) for k in ("since", "until"))
    assert began <= since <= time.time() + ahead
    assert until >= since + 19


# ---- the sequence

def test_deployed(sw):
    """Pinned, nothing else changed; the same again changes nothing."""
    sw.create(replicas=2, labels={"team": "x"})
    before = sw.swarm.service(NAME)
    sw.put("v2", keep=False)
    r = sw.deploy()
    assert r["status"] == "deployed", r
    assert (r["from"], r["to"]) == (sw.digest["v1"], sw.digest["v2"])
    assert set(r["phases"]) == {"inspect", "verify", "update"}
    after = sw.swarm.service(NAME)
    assert sw.swarm.image(NAME) == sw.pinned("v2")
    assert len(sw.swarm.running(NAME)) == 2
    container = after["Spec"]["TaskTemplate"]["ContainerSpec"]
    container["Image"] = sw.pinned("v1")
    assert after["Spec"] == before["Spec"]
    kept = sw.kept_text(f"local target service {NAME}")
    assert kept["previous"] == {"digest": sw.digest["v1"],
                                "reference": ref(sw, "v1")}
    # An update without a change would clear UpdateStatus.
    sw.push("v2", sw.digest["v2"])
    r = sw.deploy()
    assert r["status"] == "unchanged" and r["to"] == sw.digest["v2"], r
    again = sw.swarm.service(NAME)
    assert again["Version"] == after["Version"]
    assert again["UpdateStatus"]["State"] == "completed"


def test_no_digest_told(sw):
    """The registry says what the tag is; a tag that it does not have is no
    reason to touch anything."""
    sw.create()
    sw.put("v2", told=False)
    r = sw.deploy()
    assert r["status"] == "deployed", r
    assert sw.swarm.image(NAME) == sw.pinned("v2")
    version = sw.swarm.service(NAME)["Version"]
    for tag, digest in (("no", None), ("v2", "sha256:" + "0" * 64)):
        sw.push(tag, digest)
        r = sw.deploy()
        assert (r["status"], r["retry"]) == ("failed", True), r
        assert "manifest unknown" in r["reason"] or "not found" in r["reason"]
    assert sw.swarm.service(NAME)["Version"] == version


def test_stack(sw):
    """The label that `docker stack deploy` compares follows the tag."""
    label = "com.docker.stack.image"
    sw.create(labels={label: ref(sw, "v1")}, replicas=0)
    sw.put("v1", version="v1.1")
    assert sw.deploy()["status"] == "deployed"
    spec = sw.swarm.service(NAME)["Spec"]
    assert spec["Labels"][label] == ref(sw, "v1")
    sw.put("v2")
    assert sw.deploy()["status"] == "deployed"
    spec = sw.swarm.service(NAME)["Spec"]
    assert spec["Labels"][label] == ref(sw, "v2")


def test_forced(sw):
    """The same image: every task anew."""
    sw.create()
    old = [t["ID"] for t in sw.swarm.running(NAME)]
    sw.push("v1", sw.digest["v1"])
    r = sw.deploy(force=1)
    assert r["status"] == "deployed", r
    assert "each of its tasks was made anew, as asked" in r["reason"]
    template = sw.swarm.service(NAME)["Spec"]["TaskTemplate"]
    assert template["ForceUpdate"] == 1
    new = [t["ID"] for t in sw.swarm.running(NAME)]
    assert len(new) == 1 and new != old


# ---- 86: someone else changes the service at the same time

def test_conflict(sw):
    sw.create()
    sw.put("v2")

    def meddle():
        sw.swarm.update(NAME, lambda s: s["Labels"].update(team="y"))

    proxy = sw.proxy(1, meddle=meddle)
    r = sw.deploy(proxy=proxy)
    assert r["status"] == "deployed", r
    assert updates(proxy) == ["update", "update"]
    spec = sw.swarm.service(NAME)["Spec"]
    assert spec["Labels"] == {"team": "y"}
    assert sw.swarm.image(NAME) == sw.pinned("v2")


def test_conflict_of_the_same(sw):
    """He gives it that very image: not once more, and what was before is
    known still."""
    sw.create()
    sw.put("v2")

    def meddle():
        sw.swarm.update(NAME, lambda s: s["TaskTemplate"]["ContainerSpec"]
                        .update(Image=sw.pinned("v2")))

    proxy = sw.proxy(1, meddle=meddle)
    r = sw.deploy(proxy=proxy)
    assert r["status"] == "deployed", r
    assert (r["from"], r["to"]) == (sw.digest["v1"], sw.digest["v2"])
    assert updates(proxy) == ["update"]
    assert not sw.swarm.service(NAME)["Spec"]["TaskTemplate"]["ForceUpdate"]


def test_conflict_without_end(sw):
    sw.create()
    sw.put("v2")

    def meddle():
        sw.swarm.update(NAME, lambda s: s["Labels"].update(n=str(proxy.at)))
        proxy.at += 1

    proxy = sw.proxy(1, meddle=meddle)
    r = sw.deploy(proxy=proxy)
    assert (r["status"], r["retry"]) == ("failed", True), r
    assert "update out of sequence" in r["reason"]
    assert updates(proxy) == ["update"] * 10
    assert sw.swarm.image(NAME) == sw.pinned("v1")
    assert sw.journal() == []


# ---- 87: an image that is not good

@pytest.mark.parametrize("action,kind,who,asked", [
    ("pause", "crash", "the image before runs again", ["update", "back"]),
    ("pause", "unhealthy", "the image before runs again", ["update", "back"]),
    ("rollback", "crash", "Swarm went back", ["update"]),
    ("continue", "crash", "did not end within 15 s", ["update", "back"])])
def test_bad(sw, action, kind, who, asked):
    goes_on = action == "continue"
    sw.create(action, replicas=2, monitor=WATCHED)
    config = sw.swarm.service(NAME)["Spec"]["UpdateConfig"]
    sw.put("v2", **BAD[kind])
    proxy = sw.proxy()
    r = sw.deploy(proxy=proxy, grace="10s", rules={
        "health_timeout": "15s" if goes_on else "300s"})
    assert r["status"] == "rolled_back" and who in r["reason"], r
    assert updates(proxy) == asked
    assert (r["from"], r["to"]) == (sw.digest["v1"], sw.digest["v2"])
    assert r["evidence"]["task"]["State"] in ("failed", "complete"), r
    if kind == "crash":
        assert "is failed: task: non-zero exit (3)" in r["reason"]
        assert r["evidence"]["task"]["ExitCode"] == 3
        assert "cannot go on" in r["evidence"]["log"]
    assert "rollback" in r["phases"] or action == "rollback"
    assert sw.swarm.image(NAME) == sw.pinned("v1")
    assert sw.swarm.status(NAME) == "rollback_completed"
    assert sw.swarm.service(NAME)["Spec"]["UpdateConfig"] == config
    wait_for("both tasks run", lambda: len(sw.swarm.running(NAME)) == 2)
    # Not again of itself.
    sw.push("v2", sw.digest["v2"])
    r = sw.deploy()
    assert r["status"] == "refused" and "was rolled back here" in r["reason"]


ONCE = ("app", "#!/bin/sh\ntest -e /once/was && exec sleep 1000\n"
        "touch /once/was\nexit 3\n")


def test_other_clocks(sw):
    """A task that has crashed once stays up for `grace` by our clock, whatever
    time it is where it runs."""
    volume = {"Type": "volume", "Source": "once-" + sw.job["event"],
              "Target": "/once"}
    sw.create("continue", monitor=3000, ContainerSpec={
        "Image": sw.pinned("v1"), "StopGracePeriod": 1000 * MS,
        "Mounts": [volume]})
    sw.put("v2", files=[ONCE])

    def ahead(path, data):
        """Its nodes are an hour ahead of us."""
        if "/tasks" not in path or not data.startswith(b"["):
            return data
        tasks = json.loads(data)
        for t in tasks:
            at = datetime.fromisoformat(t["Status"]["Timestamp"][:19])
            t["Status"]["Timestamp"] = (
                at + timedelta(hours=1)).isoformat() + "Z"
        return json.dumps(tasks).encode()

    proxy = sw.proxy()
    proxy.change = ahead
    r = sw.deploy(proxy=proxy, grace="1s", rules={"health_timeout": "180s"})
    assert r["status"] == "deployed", r
    assert [t["Status"]["State"] for t in sw.swarm.tasks(NAME)
            if "v2@" in t["Spec"]["ContainerSpec"]["Image"]].count("failed")


@pytest.mark.parametrize("action", ["pause", "rollback"])
def test_hangs(sw, action):
    """Its tasks neither come up nor fail: our own limit; Swarm's own way back
    is not ours to take."""
    sw.create(action)
    sw.put("v2", health="HEALTHCHECK --interval=60s CMD [\"/bin/true\"]")
    proxy = sw.proxy()
    r = sw.deploy(proxy=proxy, rules={"health_timeout": "1s"})
    assert "did not end within 1 s" in r["reason"]
    if action == "pause":
        assert r["status"] == "rolled_back", r
        assert sw.swarm.image(NAME) == sw.pinned("v1")
        assert len(sw.swarm.running(NAME)) == 1
        return
    assert (r["status"], r["retry"]) == ("failed", False)
    assert "its FailureAction is rollback" in r["reason"]
    assert f"docker service rollback {NAME}" in r["reason"]
    assert updates(proxy) == ["update"]


def test_changed_by_others_and_bad(sw):
    """PreviousSpec is no longer the one of before us: only the image is put
    back, what others changed stays."""
    sw.create()
    sw.put("v2", health="HEALTHCHECK --interval=60s CMD [\"/bin/true\"]")
    told = []
    t = threading.Thread(target=lambda: told.append(
        sw.deploy(rules={"health_timeout": "10s"})))
    t.start()
    wait_for("the update goes on",
             lambda: sw.swarm.image(NAME) == sw.pinned("v2"))
    sw.swarm.update(NAME, lambda s: s["Labels"].update(team="z"))
    t.join()
    assert told[0]["status"] == "rolled_back", told
    assert sw.swarm.image(NAME) == sw.pinned("v1")
    assert sw.swarm.service(NAME)["Spec"]["Labels"] == {"team": "z"}


def test_overtaken(sw):
    sw.create()
    sw.digest["v3"] = put(sw, "v3")
    sw.put("v2", health="HEALTHCHECK --interval=60s CMD [\"/bin/true\"]")
    told = []
    t = threading.Thread(target=lambda: told.append(sw.deploy()))
    t.start()
    wait_for("the update goes on",
             lambda: sw.swarm.image(NAME) == sw.pinned("v2"))
    sw.swarm.update(NAME, lambda s: s["TaskTemplate"]["ContainerSpec"].update(
        Image=sw.pinned("v3")))
    t.join()
    assert told[0]["status"] == "failed", told
    assert "someone else gave" in told[0]["reason"]
    assert sw.swarm.image(NAME) == sw.pinned("v3")


def test_overtaken_on_the_way_back(sw):
    sw.create(monitor=WATCHED)
    sw.digest["v3"] = put(sw, "v3")
    sw.put("v2", **BAD["crash"])

    def meddle():
        sw.swarm.update(NAME, lambda s: s["TaskTemplate"]["ContainerSpec"]
                        .update(Image=sw.pinned("v3")))
        sw.swarm.update(NAME, lambda s: s["UpdateConfig"].update(
            Monitor=300 * MS))

    r = sw.deploy(proxy=sw.proxy(2, meddle=meddle))
    assert r["status"] == "failed", r
    assert "did not come up" in r["reason"]
    assert f"gave it the image {sw.pinned('v3')}" in r["reason"]
    assert sw.swarm.image(NAME) == sw.pinned("v3")


# ---- 88: nothing to wait for

@pytest.mark.parametrize("how", [
    {"replicas": 0}, {"mode": {"Global": {}}},
    {"mode": {"Global": {}},
     "Placement": {"Constraints": ["node.labels.none==here"]}}])
def test_other_modes(sw, how):
    nowhere = "Placement" in how
    if nowhere:
        sw.create(mode=how["mode"])
        sw.swarm.update(NAME, lambda s: s["TaskTemplate"].update(
            Placement=how["Placement"]))
        wait_for("no task runs", lambda: not sw.swarm.running(NAME))
    else:
        sw.create(**how)
    sw.put("v2")
    started = time.monotonic()
    r = sw.deploy()
    assert r["status"] == "deployed", r
    kept("nothing to wait for", time.monotonic() - started, 15)
    assert sw.swarm.image(NAME) == sw.pinned("v2")


# ---- 89: a registry that wants a login

def test_login(sw, engine):
    """The nodes pull by our login, which the Swarm keeps; without one of ours
    it uses the one that it has."""
    private = PrivateRegistry("htpasswd")
    try:
        sw.job["registry"] = private.host
        digests = {}
        for tag in ("v1", "v2", "v3"):
            name = f"{private.host}/{NAME}:{tag}"
            engine.build(name, tag, [PLAIN])
            digests[tag] = private.push(engine, name)
            if tag != "v1":
                engine.forget_image(name)
        sw.swarm.create(NAME, f"{private.host}/{NAME}:v1")
        sw.keys = {"docker_config": private.config("ours", private.pair())}
        sw.push("v2", digests["v2"])
        assert sw.deploy()["status"] == "deployed"
        sw.keys = {"docker_config": private.config("none", {})}
        sw.push("v3", digests["v3"])
        r = sw.deploy()
        assert r["status"] == "deployed", r
        assert len(sw.swarm.running(NAME)) == 1
    finally:
        sw.swarm.remove(NAME)
        private.close()
