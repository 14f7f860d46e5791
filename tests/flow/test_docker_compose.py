"""Compose's own tools after us, and in between: `up` must find nothing to do
(v2), or recreate once (1.29, whose hash has the image's id in it), and nothing
may be there twice.
"""
import os
import signal
import subprocess
import threading
from types import SimpleNamespace

import pytest

from rig.docker import rig
from rig.drive import (CRASH, SURE, drive, drive_program,  # noqa: F401
                       put, ref)
from rig.images import HEALTHY, HELD
from rig.stack import BUILD, wait_for

PROJECT = """
services:
  web:
    image: %(image)s
    environment: {MINE: "1"}
    volumes: ["/anon", "data:/data"]
    networks: {default: {aliases: [app]}}
    restart: always
    stop_grace_period: 1s
volumes: {data: {}}
"""
NAME = "drvcompose"
# More of the same with the older tool, which takes its time.
LONG = bool(os.environ.get("PULLWIRE_KILLS"))
TOOLS = ["1.29", "v2"] if LONG else ["v2"]


def tool(name):
    if name == "1.29":
        return "docker-compose"
    own = os.environ.get("ENGINE", "") + \
        "/usr/libexec/docker/cli-plugins/docker-compose"
    if os.path.exists(own):
        return own  # a newer engine's own, in `make test-engines`
    try:
        return rig("fetch_engine.sh", "trixie", "compose")
    except subprocess.CalledProcessError:
        pytest.skip("Compose v2 cannot be fetched from Debian's suites")


@pytest.fixture(params=["1.29", "v2"])
def project(request, drive, engine, tmp_path):
    """A project with its one service up; call it for another command."""
    d = drive(NAME)
    d.tool = request.param
    d.first = put(d, "latest", version="v1", health=HEALTHY)
    minor = int(engine.call("GET", "/version")["ApiVersion"][2:])
    if d.tool == "1.29" and minor >= 44:
        pytest.skip("Compose 1.29 itself breaks at engines from 25 on: it "
                    "reads ContainerConfig, which images have no more")
    program = tool(d.tool)
    head = "version: '2.4'\n" if d.tool == "1.29" else ""
    (tmp_path / "docker-compose.yml").write_text(
        head + PROJECT % {"image": ref(d, "latest")})

    def compose(*args):
        done = subprocess.run(
            [program, "-p", NAME, *args], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
            env={**os.environ, "DOCKER_HOST": engine.host,
                 "COMPOSE_HTTP_TIMEOUT": "600"})
        print("compose", *args, done.stdout)
        assert done.returncode == 0, done.stdout
        return done.stdout

    compose("up", "-d")
    d.compose = compose
    yield d
    compose("down", "-v", "-t", "1")


def mine(engine):
    """The service's containers, by name."""
    return {c["Names"][0].lstrip("/"): engine.inspect(c["Id"])
            for c in engine.containers(**{"com.docker.compose.project": NAME})}


def volumes(c):
    return {m["Destination"]: m["Name"] for m in c["Mounts"]}


def push(d, version):
    d.push("latest", put(d, "latest", version=version, keep=False),
           compose=f"{NAME}/web")


def test_up_after_a_redeploy(project, engine):
    d = project
    (name, before), = mine(engine).items()
    push(d, "v2")
    r = d.deploy()
    assert r["status"] == "deployed", r
    (same, after), = mine(engine).items()
    assert same == name and after["Id"] != before["Id"]
    d.compose("up", "-d")
    (same, now), = mine(engine).items()
    assert same == name
    assert "VERSION=v2" in now["Config"]["Env"]
    assert volumes(now) == volumes(before)
    assert now["State"]["Status"] == "running"
    if d.tool == "v2":
        assert now["Id"] == after["Id"], "Compose made it once more"
    d.compose("up", "-d")
    assert [c["Id"] for c in mine(engine).values()] == [now["Id"]]
    # And again by us, on what Compose left.
    push(d, "v3")
    assert d.deploy()["status"] == "deployed"
    (same, last), = mine(engine).items()
    assert same == name and "VERSION=v3" in last["Config"]["Env"]
    assert volumes(last) == volumes(before)
    d.compose("up", "-d")
    assert len(mine(engine)) == 1


# Created; stopped; renamed aside; both renamed; started.
@pytest.mark.parametrize("at", [1, 2, 4, 6] if LONG else [4])
def test_up_in_the_middle(project, engine, at):
    """We die half way, Compose makes of it what it does, we come back."""
    d = project
    (name, before), = mine(engine).items()
    push(d, "v2")
    assert d.deploy(proxy=d.proxy(at)) is None
    d.compose("up", "-d")
    told = d.recover()
    if not told or told[0]["status"] == "waiting":
        assert d.deploy()["status"] in ("deployed", "unchanged")
    left = mine(engine)
    assert len(left) == 1, list(left)
    (got, c), = left.items()
    assert got == name
    assert c["State"]["Status"] == "running"
    assert c["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert volumes(c)["/data"] == volumes(before)["/data"]
    quiet = d.proxy()
    d.recover(proxy=quiet)
    assert quiet.calls == []


# ---- compose_files: by Compose itself

def is_by_compose(r):
    return "by Compose and its files" in r["reason"]


@pytest.mark.parametrize("project", TOOLS, indirect=True)
@pytest.mark.parametrize("good", [True, False])
def test_compose_files(project, engine, tmp_path, good):
    """What the files say counts by now, .env included; or all is as before."""
    d = project
    (name, before), = mine(engine).items()
    yml = tmp_path / "docker-compose.yml"
    yml.write_text(yml.read_text().replace(
            'MINE: "1"', 'MINE: "${MINE_NOW}"'))
    (tmp_path / ".env").write_text("MINE_NOW=2\n")
    d.how = {"compose_files": True}
    d.push("latest", put(d, "latest", version="v2", keep=False,
                         files=() if good else [CRASH]),
           compose=f"{NAME}/web")
    r = d.deploy(env={"PATH": path_for(d, tmp_path)},
                 grace="1500ms" if good else SURE)
    (same, now), = mine(engine).items()
    assert same == name and now["State"]["Status"] == "running"
    assert "MINE=2" in now["Config"]["Env"]
    assert volumes(now)["/data"] == volumes(before)["/data"]
    if good:
        assert r["status"] == "deployed" and is_by_compose(r), r
        assert "VERSION=v2" in now["Config"]["Env"]
    else:
        assert r["status"] == "rolled_back", r
        assert "VERSION=v1" in now["Config"]["Env"]
        assert "cannot go on" in r["evidence"]["log"]
        assert d.deploy()["status"] == "refused"
    assert "up-to-date" in (out := d.compose("up", "-d")) or \
        "Running" in out


@pytest.mark.parametrize("project", ["v2"], indirect=True)
def test_compose_files_cut_off(project, engine, tmp_path):
    """We die at the gate, and what Compose made ends before we are back, as
    with its host: no verdict, the old image runs again, then the new one."""
    d = project
    yml = tmp_path / "docker-compose.yml"
    yml.write_text(yml.read_text().replace("data:/data", f"{d.gate()}:/data"))
    d.compose("up", "-d")
    d.how = {"compose_files": True}
    d.push("latest", put(d, "latest", version="v2", keep=False, health=HELD),
           compose=f"{NAME}/web")
    env = {"PATH": path_for(d, tmp_path)}
    direct = SimpleNamespace(server_address=engine.sock, victim=None)
    t = threading.Thread(target=lambda: d.deploy(proxy=direct, env=env))
    t.start()

    def runs(want):
        """There is one, it runs, and is of that version."""
        return [(c["State"]["Running"], f"VERSION={want}" in c["Config"]["Env"])
                for c in mine(engine).values() if c] == [(True, True)]

    wait_for("it is at the gate", lambda: runs("v2"))
    os.kill(direct.victim, signal.SIGKILL)
    t.join()
    name, = mine(engine)
    engine.call("POST", f"/containers/{name}/stop", t="0")
    assert [r["status"] for r in d.recover()] == ["waiting"]
    r = d.deploy(env=env)
    assert r["status"] == "failed" and r["retry"], r
    assert "ended while no deployer ran" in r["reason"], r
    # Its tag had moved on before we came, its digest is told all the same.
    assert r["from"] == d.first, r
    assert runs("v1")
    d.open_gate()
    r = d.deploy(env=env)
    assert r["status"] == "deployed" and is_by_compose(r), r
    assert runs("v2")


@pytest.mark.parametrize("project", ["v2"], indirect=True)
def test_compose_files_with_env_files(project, engine, tmp_path):
    """All that `up` was given, in their order; one that is not here is told."""
    d = project
    yml = tmp_path / "docker-compose.yml"
    yml.write_text(yml.read_text().replace('MINE: "1"',
                                           'MINE: "${ONE}${TWO}"'))
    (tmp_path / "a.env").write_text("ONE=a\nTWO=a\n")
    (tmp_path / "b.env").write_text("TWO=b\n")
    given = "--env-file", "a.env", "--env-file", "b.env"
    d.compose(*given, "up", "-d")
    other = engine.run(f"{NAME}-after", ref(d, "latest"))
    since = engine.inspect(other)["State"]["StartedAt"]
    d.how = {"compose_files": True, "restart_after": [f"{NAME}-after"]}
    push(d, "v2")
    env = {"PATH": path_for(d, tmp_path)}
    r = d.deploy(env=env)
    assert r["status"] == "deployed" and is_by_compose(r), r
    assert engine.inspect(other)["State"]["StartedAt"] > since
    (name, now), = mine(engine).items()
    assert {"MINE=ab", "VERSION=v2"} <= set(now["Config"]["Env"])
    assert "Running" in d.compose(*given, "up", "-d")
    (tmp_path / "b.env").unlink()
    push(d, "v3")
    r = d.deploy(env=env)
    assert r["status"] == "deployed" and not is_by_compose(r), r
    assert "b.env cannot be read here" in r["reason"]
    (_, now), = mine(engine).items()
    assert {"MINE=ab", "VERSION=v3"} <= set(now["Config"]["Env"])


WRITTEN = """
services:
  web:
    image: %(image)s
    stop_grace_period: 1s
    configs: [{source: inline, target: /etc/app/my.conf}]
    %(secrets)s
configs: {inline: {content: "mine"}}
secrets: {key: {environment: HOME}}
"""


@pytest.mark.parametrize("project", ["v2"], indirect=True)
def test_written_by_compose(project, engine, tmp_path):
    """A config that Compose copied into its container would be lost: refused,
    also after a restart; with `compose_files` it is written again."""
    d = project
    yml = tmp_path / "docker-compose.yml"

    def up(secrets=""):
        yml.write_text(WRITTEN % {"image": ref(d, "latest"),
                                  "secrets": secrets})
        d.compose("up", "-d")
        return mine(engine)[f"{NAME}-web-1"]["Id"]

    old = up()
    push(d, "v2")
    for _ in range(2):
        r = d.deploy()
        assert r["status"] == "refused", r
        assert r["reason"].startswith("/etc/app/my.conf of container "
                                      f"{NAME}-web-1 is a config that"), r
        engine.call("POST", f"/containers/{old}/restart", t="0")
    assert mine(engine)[f"{NAME}-web-1"]["Id"] == old
    d.how = {"compose_files": True}
    env = {"PATH": path_for(d, tmp_path)}
    plan = subprocess.run(
        [os.path.join(BUILD, "pullwire-deployer"), "-c",
         d.config(engine.sock, {"repository": NAME}), "plan", "web",
         ref(d, "latest")], capture_output=True, text=True, timeout=120)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert f" --file {yml} up -d --no-deps --no-build web\n" in plan.stdout
    assert "stop " not in plan.stdout and "refused" not in plan.stdout
    assert is_by_compose(d.deploy(env=env))
    push(d, "v3")
    up("secrets: [key]")
    push(d, "v4")
    r = d.deploy(env=env)
    assert r["status"] == "deployed" and is_by_compose(r), r
    (_, now), = mine(engine).items()
    assert "VERSION=v4" in now["Config"]["Env"]
    there = {c["Path"] for c in engine.call(
        "GET", f"/containers/{now['Id']}/changes")}
    assert {"/etc/app/my.conf", "/run/secrets/key"} <= there
    # Without its files it is refused as before, and the row says why.
    push(d, "v5")
    yml.rename(tmp_path / "moved.yml")
    r = d.deploy(env=env)
    (tmp_path / "moved.yml").rename(yml)
    assert r["status"] == "refused" and "cannot be read here" in r["reason"]


def test_compose_files_of_an_image(drive, engine, tmp_path):
    """A container has its image's labels: what its maker says is not run."""
    d = drive("drv-images")
    (tmp_path / "docker-compose.yml").write_text(
        "services: {web: {image: 'scratch', privileged: true}}\n")
    label = "LABEL com.docker.compose."
    put(d, "v1", changes=[f"{label}project=drvimages", f"{label}service=web",
                  f"{label}project.working_dir={tmp_path}",
                  f"{label}project.config_files={tmp_path}/docker-compose.yml"])
    engine.run("drv-images", ref(d, "v1"))
    d.how = {"compose_files": True}
    d.push("v2", put(d, "v2", keep=False), compose="drvimages/web")
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert "without its Compose files: it is its image that says" in \
        r["reason"], r


@pytest.mark.parametrize("project", TOOLS, indirect=True)
def test_compose_files_are_wrong(project, engine, tmp_path):
    """No fault of the image's: nothing is touched, it may come again."""
    d = project
    (name, before), = mine(engine).items()
    yml = tmp_path / "docker-compose.yml"
    right = yml.read_text()
    yml.write_text("services: [")
    d.how = {"compose_files": True}
    push(d, "v2")
    env = {"PATH": path_for(d, tmp_path)}
    r = d.deploy(env=env)
    yml.write_text(right)
    assert r["status"] == "failed", r
    assert "web is as it was: Compose ended with code" in r["reason"], r
    (same, now), = mine(engine).items()
    assert now["Id"] == before["Id"]
    assert d.deploy(env=env)["status"] == "deployed"


@pytest.mark.parametrize("project", TOOLS, indirect=True)
def test_compose_files_not_here(project, engine, tmp_path):
    """The paths in the labels are another machine's: done without."""
    d = project
    (tmp_path / "docker-compose.yml").rename(tmp_path / "moved.yml")
    d.how = {"compose_files": True}
    push(d, "v2")
    r = d.deploy()
    (tmp_path / "moved.yml").rename(tmp_path / "docker-compose.yml")
    assert r["status"] == "deployed" and not is_by_compose(r), r
    assert "cannot be read here" in r["reason"]
    (_, now), = mine(engine).items()
    assert "VERSION=v2" in now["Config"]["Env"]


def path_for(d, tmp_path):
    """A PATH whose docker-compose is the tool that made the project."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in "docker-compose", "docker":
        script = place / name
        script.write_text("#!/bin/sh\nexit 1\n" if name == "docker" else
                          f'#!/bin/sh\nexec {tool(d.tool)} "$@"\n')
        script.chmod(0o755)
    if d.tool == "1.29":
        (place / "docker-compose").write_text(
            '#!/bin/sh\nexec /usr/bin/docker-compose "$@"\n')
    return f"{place}:{os.environ['PATH']}"
