"""Which containers a push replaces, and what it says of those it leaves alone.
Each row is one look at one container; the old one must not have noticed.
"""
import pytest

from rig.drive import (check_only, compose, drive, drive_program,  # noqa: F401
                       names, put, ref)

PINNED = {"pinned": "skip"}


# What is run and how, what the configuration says, how it ends: the words of
# the refusal, or the state that the new container is in.
ROWS = {
    "another tag becomes the image": ({}, {}, "running"),
    "same_tag_only": ({}, {"same_tag_only": True}, "same_tag_only is set"),
    "no_downgrade": ({"tag": "2.0.0"}, {"no_downgrade": True},
                     "runs 2.0.0, which is newer"),
    "an upgrade": ({"tag": "0.9.0"}, {"no_downgrade": True}, "running"),
    "pinned by digest": ({"pin": "digest"}, PINNED, "is pinned to"),
    "pinned by id": ({"pin": "id"}, PINNED, "is pinned to"),
    "a pin, named here": ({"pin": "digest"}, {}, "running"),
    "switched off": ({"labels": {"pullwire.enable": "false"}}, {},
                     "pullwire.enable=false"),
    "a Swarm task": ({"labels": {"com.docker.swarm.task.id": "x"}}, {},
                     "belongs to Swarm service"),
    "Kubernetes": ({"labels": {"io.kubernetes.pod.name": "x"}}, {},
                   "belongs to Kubernetes"),
    "Nomad": ({"labels": {"com.hashicorp.nomad.alloc_id": "x"}}, {},
              "belongs to Nomad"),
    "ECS": ({"labels": {"com.amazonaws.ecs.cluster": "x"}}, {},
            "belongs to Amazon ECS"),
    "a one-off": ({"labels": {"com.docker.compose.oneoff": "True"}}, {},
                  "there is no container|one-off"),
    "stopped by hand": ({"then": "stop"}, {}, "is stopped"),
    "stopped, recreate": ({"then": "stop"}, {"stopped": "recreate"},
                          "created"),
    "stopped, start": ({"then": "stop"}, {"stopped": "start"}, "running"),
    "never started": ({"then": "create"}, {}, "never started"),
    "never started, recreate": ({"then": "create"}, {"stopped": "recreate"},
                                "created"),
    "never started, start": ({"then": "create"}, {"stopped": "start"},
                             "running"),
    "paused": ({"then": "pause"}, {}, "paused"),
    "the same image": ({"tag": "1.0.0"}, {}, "unchanged"),
    "the same image, force": ({"tag": "1.0.0"}, {"force": True}, "running"),
    "the same image by another tag": ({"tag": "same"}, {}, "unchanged"),
}


@pytest.fixture(scope="module")
def made():
    return {}


def images_of(d, made):
    if not made:
        for tag in "0.9.0", "2.0.0", "v1":
            made[tag] = put(d, tag)
        made["1.0.0"] = put(d, "1.0.0")
        d.engine.tag(ref(d, "1.0.0"), ref(d, "same"))
    return made


@pytest.mark.parametrize("name", ROWS)
def test_selection(drive, engine, made, name):
    d = drive("drv-sel")
    digests = images_of(d, made)
    run, d.how, want = ROWS[name]
    tag = run.get("tag", "v1")
    image = {"digest": f"{d.registry.host}/{d.name}@{digests.get(tag)}",
             "id": engine.image(ref(d, tag))["Id"],
             None: ref(d, tag)}[run.get("pin")]
    if run.get("pin") == "id":  # of an image that has no name of ours
        image = other(d, made)
    body = {"Image": image, "Labels": run.get("labels", {})}
    old = engine.call("POST", "/containers/create", body, name=d.name)["Id"]
    if run.get("then") != "create":
        engine.call("POST", f"/containers/{old}/start")
    if run.get("then") in ("stop", "pause"):
        engine.call("POST", f"/containers/{old}/{run['then']}")
    before = engine.inspect(old)
    d.push("1.0.0", digests["1.0.0"])
    r = d.deploy(grace="0ms")
    now = engine.inspect(d.name)
    if want in ("running", "paused", "created"):
        assert r["status"] == "deployed", r
        assert now["Id"] != old and now["State"]["Status"] == want
        assert now["Config"]["Image"] == ref(d, "1.0.0")
        assert names(engine, d.name) == [d.name]
        return
    if want == "unchanged":
        assert r["status"] == "unchanged", r
    else:
        assert r["status"] in ("refused", "failed"), r
        assert any(w in r["reason"] for w in want.split("|")), r
    assert (now["Id"], now["State"]) == (old, before["State"])


def other(d, made):
    """The id of an image that is nobody's by name."""
    if "other" not in made:
        d.engine.build("drv-sel-other:x", "x")
        made["other"] = d.engine.image("drv-sel-other:x")["Id"]
    return made["other"]


def test_pinned_service(drive, engine):
    """Of a Compose service a pin is left alone unless told otherwise."""
    d = drive("drv-selp")
    digest = put(d, "v1")
    compose(d, 1, f"{d.registry.host}/{d.name}@{digest}")
    d.push("v2", put(d, "v2"), compose="drv-selp/app")
    r = d.deploy(grace="0ms")
    assert r["status"] == "refused" and "is pinned to" in r["reason"], r
    d.how = {"pinned": "replace"}
    r = d.deploy(grace="0ms")
    assert r["status"] == "deployed", r


def test_glob_keeps_to_its_repository(drive, engine):
    """A rule for many repositories puts no image into another's container."""
    d = drive("drv-selg")
    put(d, "v1")
    engine.run("drv-selg", ref(d, "v1"))
    d.name, mine = "drv-selg-other", d.name
    digest = put(d, "v2")
    d.name = mine
    d.push("v2", digest, repository="drv-selg-other")
    r = d.deploy(rule="**", grace="0ms")
    assert r["status"] == "refused" and "another repository" in r["reason"], r
    check_only(engine, "drv-selg", "v1")
