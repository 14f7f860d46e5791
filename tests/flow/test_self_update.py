"""The deployer replaces the container that it runs in itself: by a helper, with
the gate and the way back of any other.
"""
import os

import pytest

from rig import images
from rig.stack import BUILD, TOKEN, UNLIMITED, wait_for


def app(stack, crash=False):
    if crash:
        return ("app", "#!/bin/sh\necho no deployer in here\nexit 3\n")
    return ("app", f"#!/bin/sh\nexec {BUILD}/pullwire-deployer "
            f"-c {stack.config}\n")


@pytest.fixture
def dep(engine, registry, stacks):
    engine.remove_all("dep")
    stack = stacks(
        [{"name": "self", "repository": "shop/dep", "grace": "3s",
          "deploy": {"container": "dep", "self_update": True}}],
        {"local": engine.sock},
        [{"name": "push", "type": "generic", **UNLIMITED,
          "auth": {"bearer": TOKEN}, "registry": registry.host}])
    stack.start("logger", "matcher", "ingress")
    stack.put = lambda tag, **k: images.put(
        engine, registry, "shop/dep", tag, health="HEALTHCHECK NONE",
        files=[app(stack, **k)])
    stack.put("v1")
    places = dict.fromkeys([stack.dir, BUILD, os.path.dirname(engine.sock)])
    made = engine.call("POST", "/containers/create", {
        "Image": f"{registry.host}/shop/dep:v1", "HostConfig": {
            "NetworkMode": "host", "RestartPolicy": {"Name": "always"},
            "Binds": [f"{p}:{p}:ro" for p in ("/usr", "/lib", "/lib64")]
            + [f"{p}:{p}" for p in places]}}, name="dep")
    engine.call("POST", f"/containers/{made['Id']}/start")
    stack.old = made["Id"]
    yield stack
    engine.remove_all("dep")


def mine(engine):
    return sorted(n for c in engine.containers() for n in c["Names"]
                  if n.startswith("/dep"))


@pytest.mark.parametrize("good", [True, False])
def test_self_update(dep, engine, good):
    digest = dep.put("v2", crash=not good)
    row = dep.wait_final(dep.push("shop/dep", "v2", digest))
    assert row["status"] == ("deployed" if good else "rolled_back"), row
    if not good:
        assert "no deployer in here" in row["reason"], row
    wait_for("the helper is gone", lambda: mine(engine) == ["/dep"])
    c = engine.inspect("dep")
    assert c["State"]["Status"] == "running"
    assert (c["Id"] == dep.old) == (not good)
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert c["Config"]["Image"].endswith(":v2" if good else ":v1")
    # And it works: the next push is taken.
    again = dep.wait_final(dep.push("shop/dep", "v2", digest))
    assert again["status"] == ("unchanged" if good else "refused"), again
