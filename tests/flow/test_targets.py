"""Targets other than one container: a Compose service."""
import os
import subprocess

import pytest

from rig import images
from rig.stack import TOKEN

PROJECT = """\
version: "3.7"
services:
  worker:
    image: {image}
    environment: {{GREETING: hello}}
    volumes: ["data:/data", "/anonymous"]
    networks: {{default: {{aliases: [jobs]}}}}
  other:
    image: {image}
volumes: {{data: {{}}}}
"""


@pytest.fixture
def project(engine, registry, tmp_path):
    """docker-compose up with two replicas of worker; call it to run more."""
    images.put(engine, registry, "shop/worker", "v1")
    folder = tmp_path / "pwshop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(PROJECT.format(
        image=f"{registry.host}/shop/worker:v1"))

    def compose(*args):
        done = subprocess.run(
            ["docker-compose", *args], cwd=folder, capture_output=True,
            text=True, env={"PATH": os.environ["PATH"],
                            "DOCKER_HOST": engine.host})
        assert done.returncode == 0, done.stderr
        return done.stdout

    compose("up", "-d", "--scale", "worker=2")
    yield compose
    compose("down", "-v", "-t", "2")


def workers(engine):
    found = engine.containers(**{"com.docker.compose.project": "pwshop",
                                 "com.docker.compose.service": "worker"})
    return {c["Names"][0]: engine.inspect(c["Id"]) for c in found}


def stack_for(engine, registry, stacks):
    return stacks(
        [{"name": "worker", "repository": "shop/worker", "tags": ["v2"],
          "deploy": {"compose": "pwshop/worker"}}], {"local": engine.sock},
        [{"name": "push", "type": "generic", "registry": registry.host,
          "auth": {"bearer": TOKEN}}]).start()


def test_compose_service(engine, registry, stacks, project):
    before = workers(engine)
    assert sorted(before) == ["/pwshop_worker_1", "/pwshop_worker_2"]
    other = engine.inspect("pwshop_other_1")["Id"]
    digest = images.put(engine, registry, "shop/worker", "v2", keep=False)
    stack = stack_for(engine, registry, stacks)
    row = stack.wait_final(stack.push("shop/worker", "v2", digest))
    assert row["status"] == "deployed", row
    assert row["target"] == "compose pwshop/worker"
    after = workers(engine)
    assert set(after) == set(before), "both replicas, by their names"
    for name, new in after.items():
        old = before[name]
        assert new["Id"] != old["Id"]
        assert new["State"]["Status"] == "running"
        assert "VERSION=v2" in new["Config"]["Env"]
        assert "GREETING=hello" in new["Config"]["Env"]
        assert {m["Name"] for m in new["Mounts"]} == \
            {m["Name"] for m in old["Mounts"]}, "anonymous volumes too"
        for label in ("project", "service", "container-number",
                      "config-hash"):
            key = "com.docker.compose." + label
            assert new["Config"]["Labels"][key] == \
                old["Config"]["Labels"][key]
        net = new["NetworkSettings"]["Networks"]["pwshop_default"]
        assert {"worker", "jobs"} <= set(net["Aliases"])
        assert old["Id"][:12] not in net["Aliases"]
    assert engine.inspect("pwshop_other_1")["Id"] == other, "untouched"


def test_compose_service_is_rolled_back_whole(engine, registry, stacks,
                                              project):
    before = {n: c["Id"] for n, c in workers(engine).items()}
    digest = images.put(engine, registry, "shop/worker", "v2",
                        health=images.UNHEALTHY, keep=False)
    stack = stack_for(engine, registry, stacks)
    row = stack.wait_final(stack.push("shop/worker", "v2", digest))
    assert row["status"] == "rolled_back", row
    after = workers(engine)
    assert {n: c["Id"] for n, c in after.items()} == before
    assert {c["State"]["Status"] for c in after.values()} == {"running"}


def test_compose_goes_on_after_a_redeploy(engine, registry, stacks, project):
    digest = images.put(engine, registry, "shop/worker", "v2", keep=False)
    stack = stack_for(engine, registry, stacks)
    stack.wait_final(stack.push("shop/worker", "v2", digest))
    volumes = {m["Name"] for c in workers(engine).values()
               for m in c["Mounts"]}
    project("up", "-d", "--scale", "worker=2")
    after = workers(engine)
    assert sorted(after) == ["/pwshop_worker_1", "/pwshop_worker_2"]
    assert {m["Name"] for c in after.values() for m in c["Mounts"]} == \
        volumes


def test_service_that_is_not_there(engine, registry, stacks):
    digest = images.put(engine, registry, "shop/worker", "v2")
    stack = stack_for(engine, registry, stacks)
    row = stack.wait_final(stack.push("shop/worker", "v2", digest))
    assert row["status"] == "failed", row
    assert "pwshop/worker" in row["reason"], row
