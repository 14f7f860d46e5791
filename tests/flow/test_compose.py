"""docker-compose.yml with the image of the Dockerfile, on our engine.

Takes minutes (it builds the image from Debian packages), so it has its own
target, `make test-compose`, and is skipped unless PULLWIRE_TEST_COMPOSE=1.
"""
import hashlib
import json
import os
import subprocess

import pytest

from rig import docker, images
from rig.stack import TOP, free_port, http, wait_for

TOKEN = "compose-token-0123456789abcdef"
pytestmark = pytest.mark.skipif(
    not os.environ.get("PULLWIRE_TEST_COMPOSE"),
    reason="make test-compose runs it")


@pytest.fixture(scope="module")
def compose(engine, registry):
    subprocess.run([os.path.join(docker.HERE, "base.sh"), engine.name],
                   check=True)
    port, page_port = free_port(), free_port()
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"),
           "DOCKER_HOST": engine.host, "DOCKER_BUILDKIT": "0",
           "COMPOSE_PROJECT_NAME": "pwcompose", "PULLWIRE_TOKEN": TOKEN,
           "PULLWIRE_PORT": f"127.0.0.1:{port}",
           "PULLWIRE_PAGE_PORT": f"127.0.0.1:{page_port}",
           "PULLWIRE_PAGE_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
           "PULLWIRE_REGISTRY": registry.host,
           "DOCKER_SOCK": engine.sock,
           "DOCKER_GID": str(os.stat(engine.sock).st_gid)}
    subprocess.run(["docker", "build", "-q", "--network=host", "-t",
                    "pullwire", TOP], env=env, check=True)

    def run(*args, check=True):
        done = subprocess.run(["docker-compose", *args], cwd=TOP, env=env,
                              capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    run.port, run.page_port = port, page_port
    run("up", "-d", "--scale", "matcher=3")
    yield run
    print(run("logs", "--no-color", "--tail=40"))
    run("down", "-v", "-t", "5")


def healthy(engine):
    states = [engine.inspect(c["Id"])["State"] for c in engine.containers(
        **{"com.docker.compose.project": "pwcompose"})]
    return len(states) == 7 and all(
        s["Status"] == "running" and s["Health"]["Status"] == "healthy"
        for s in states)


def push(compose, body):
    answer = http("POST", f"http://127.0.0.1:{compose.port}"
                  "/v1/webhooks/push", json.dumps(body).encode(),
                  {"Authorization": "Bearer " + TOKEN,
                   "Content-Type": "application/json"})
    assert answer.status == 202, answer.text
    return answer.json()["id"]


def log(compose):
    return compose("exec", "-T", "logger", "pullwire-logger", "log",
                   "-n", "500")


def test_all_seven_get_healthy(engine, compose):
    wait_for("seven healthy containers", lambda: healthy(engine), 300)


def test_the_page_wants_the_token(compose):
    base = f"http://127.0.0.1:{compose.page_port}"
    assert "<!doctype html>" in http("GET", base + "/").text
    assert http("GET", base + "/v1/records").status == 401
    answer = http("GET", base + "/v1/processes", None,
                  {"Authorization": "Bearer " + TOKEN})
    assert answer.status == 200
    assert len(answer.json()["processes"]) == 7


def test_rows_of_all_three_matchers(engine, compose):
    for i in range(60):
        push(compose, {"name": "shop/web", "tag": f"v{i}"})
    text = wait_for("sixty rows", lambda: (
        lambda t: t if t.count("untriggered") >= 60 else None)(
            log(compose)))
    assert "does not match" in text
    rows = [json.loads(line) for line in compose(
        "logs", "--no-color", "--no-log-prefix", "logger").splitlines()
        if line.startswith("{")]
    assert len({r["instance"] for r in rows
                if r["status"] == "untriggered"}) == 3


def test_redeploy_through_compose(engine, registry, compose):
    engine.remove_all("web")
    images.put(engine, registry, "shop/web", "release-v1")
    engine.run("web", f"{registry.host}/shop/web:release-v1")
    digest = images.put(engine, registry, "shop/web", "release-v2",
                        keep=False)
    push(compose, {"name": "shop/web", "tag": "release-v2",
                   "digest": digest})
    wait_for("a deployed row",
             lambda: "deployed" in log(compose))
    assert engine.inspect("web")["Config"]["Image"].endswith("release-v2")
    engine.remove_all("web")


def test_the_way_out_has_no_socket_and_the_socket_no_way_out(engine, compose):
    found = {c["Labels"]["com.docker.compose.service"]:
             engine.inspect(c["Id"]) for c in engine.containers(
                 **{"com.docker.compose.project": "pwcompose"})}
    with_socket = [n for n, c in found.items() if any(
        "docker.sock" in m["Destination"] for m in c["Mounts"])]
    assert with_socket == ["deployer"]
    for name, c in found.items():
        nets = set(c["NetworkSettings"]["Networks"])
        assert ("pwcompose_out" in nets) == (name == "deployer-http")
        assert ("pwcompose_in" in nets) == (name == "ingress")
        assert c["Config"]["User"] == "10001"
