"""The engine is upgraded under a deployer that goes on: the installed version
first, then, on the same socket and data, the one that ENGINE names.
"""
import os

import pytest

from rig import docker, images
from rig.drive import PLAIN, drive, drive_program, put, ref  # noqa: F401
from rig.stack import wait_for

NAME = "upgrade"
SYSCTL = "net.ipv4.conf.%s.log_martians"


@pytest.fixture
def old_engine(monkeypatch):
    newer = os.environ.get("ENGINE")
    if not newer:
        pytest.skip("ENGINE names no newer engine: see `make test-engines`")
    monkeypatch.setenv("ENGINE", "")
    monkeypatch.setenv("ENGINE_STORE", "")
    name = os.environ["PULLWIRE_ENGINE"] + "-upgrade"
    docker.rig("engine.sh", "clean", name)
    engine = docker.Engine(name)

    def upgrade():
        docker.rig("engine.sh", "down", name)
        monkeypatch.setenv("ENGINE", newer)
        assert docker.Engine(name).host == engine.host

    engine.upgrade = upgrade
    yield engine
    docker.rig("engine.sh", "clean", name)


def used(engine):
    return engine.call("GET", "/version")["ApiVersion"]


def test_upgraded_under_us(stacks, old_engine, registry):
    engine = old_engine
    digest = [images.put(engine, registry, NAME, v, v, PLAIN)
              for v in ("v1", "v2", "v3")]
    made = engine.call("POST", "/containers/create", {
        "Image": f"{registry.host}/{NAME}:v1", "HostConfig": {
            "Binds": ["upgrade:/data"], "Sysctls": {SYSCTL % "eth0": "1"},
            "RestartPolicy": {"Name": "always"}}}, name=NAME)
    engine.call("POST", f"/containers/{made['Id']}/start")
    stack = stacks([{"name": "web", "repository": NAME, "grace": "100ms",
                     "deploy": {"container": NAME}}], {"local": engine.sock})
    stack.settings["sources"][0]["registry"] = registry.host
    stack.write()
    stack.start()
    before = used(engine)
    row = stack.wait_final(stack.push(NAME, "v2", digest[1]))
    assert row["status"] == "deployed", row
    engine.upgrade()
    assert used(engine) != before
    row = stack.wait_final(stack.push(NAME, "v3", digest[2]), seconds=60)
    assert row["status"] == "deployed", row
    c = wait_for("it runs", lambda: engine.inspect(NAME))
    assert c["Config"]["Image"].endswith(":v3")
    assert c["HostConfig"]["Binds"] == ["upgrade:/data"]
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    # From API 1.48 on a network's interface has it, by another name.
    engine.api = "/v" + used(engine)
    c = engine.inspect(NAME)
    if int(used(engine)[2:]) < 48:
        assert c["HostConfig"]["Sysctls"] == {SYSCTL % "eth0": "1"}
    else:
        net = c["NetworkSettings"]["Networks"]["bridge"]
        assert SYSCTL % "IFNAME" + "=1" in str(net["DriverOpts"])
        assert not c["HostConfig"].get("Sysctls")
