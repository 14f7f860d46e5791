"""What a container of Compose's has in its own layer: copies that Compose wrote
when it made it are refused, what the application writes is its own affair.
"""
import io
import tarfile
import time

import pytest

from rig.drive import (drive, drive_program, put, ref,  # noqa: F401
                       version)

# What entry scripts do at each start: new files, changed ones of the image,
# copies that keep their times, many of them, and a folder of another date.
WRITES = ("app", """#!/bin/sh
mkdir -p /etc/app /many /old /run/secrets/app
echo decrypted >/run/secrets/app/key
echo x >/etc/app/own.conf
chmod 444 /etc/app/own.conf
echo changed >/version
cp -p /app /etc/app/kept
for i in 1 2 3 4 5 6 7 8 9; do echo $i >/many/$i; done
touch -d '2020-01-01 00:00:00' /old
echo up >/up
trap 'exit 0' TERM
while :; do sleep 1 & wait $!; done
""")
NAME = "drv-written"


def service(d, files, start=True, mtime=None, host=None):
    """A container with Compose's labels. files are copied in before its first
    start, as Compose and `docker cp` do, with that time."""
    made = d.engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "Labels": {
            "com.docker.compose.project": d.name,
            "com.docker.compose.service": "app",
            "com.docker.compose.container-number": "1",
            "com.docker.compose.oneoff": "False"},
        "HostConfig": host or {}}, name=f"{d.name}-app-1")
    for path in files:
        copy_into(d.engine, made["Id"], path, mtime)
    if start:
        d.engine.call("POST", f"/containers/{made['Id']}/start")
    return made["Id"]


def copy_into(engine, container, path, mtime=None):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        info = tarfile.TarInfo(path.lstrip("/"))
        info.mtime, info.size = round(mtime or time.time()), 4
        t.addfile(info, io.BytesIO(b"mine"))
    engine.call("PUT", f"/containers/{container}/archive?path=/",
                tar.getvalue(), {"Content-Type": "application/x-tar"})


def wait_up(engine, container, since):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        c = engine.inspect(container)
        if c["State"]["StartedAt"] > since and any(
                x["Path"] == "/up" for x in
                engine.call("GET", f"/containers/{container}/changes") or []):
            return c["State"]["StartedAt"]
        time.sleep(0.05)
    raise AssertionError("it has not written its files")


def prepare(drive, files=(WRITES,)):
    d = drive(NAME)
    put(d, "v1", files=files)
    d.push("v2", put(d, "v2", files=files), compose=f"{NAME}/app")
    return d


def test_files_of_its_own(drive, engine):
    """Nothing that it writes at its starts is taken for Compose's."""
    d = prepare(drive)
    c = service(d, [])
    since = wait_up(engine, c, "")
    engine.call("POST", f"/containers/{c}/restart", t="1")
    wait_up(engine, c, since)
    # Put in since, with the time of then, and an old file of somebody's.
    copy_into(engine, c, "/etc/app/later", time.time() + 60)
    copy_into(engine, c, "/etc/app/older", time.time() - 3600)
    r = d.deploy()
    assert r["status"] == "deployed", r
    assert version(engine, f"{NAME}-app-1") == "v2"


@pytest.mark.parametrize("host", [
    {"Binds": ["/etc/hostname:/run/secrets/tls/key:ro"]},
    {"Tmpfs": {"/run/secrets/made": ""}}], ids=["bind", "tmpfs"])
def test_mounts_among_secrets(drive, engine, host):
    """The folder of a mount is no copy, and nor is a tmpfs, which the engine
    tells of with none of the other mounts."""
    d = prepare(drive, files=())
    service(d, [], host=host)
    r = d.deploy()
    assert r["status"] == "deployed", r


# In a folder of its own, next to the root, over a file of the image's.
@pytest.mark.parametrize("path", ["/etc/deep/er/my.conf", "/mine", "/version"])
def test_copies(drive, engine, path):
    d = prepare(drive, files=())
    c = service(d, [path])
    r = d.deploy()
    assert r["status"] == "refused" and r["reason"].startswith(path + " "), r
    assert "`compose_files: true`" in r["reason"]
    assert engine.inspect(f"{NAME}-app-1")["Id"] == c
    assert version(engine, f"{NAME}-app-1") == "v1"


def test_copies_of_dependents(drive, engine):
    """Who goes along would lose them as well."""
    d = prepare(drive, files=())
    target = service(d, [])
    made = engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"),
        "Labels": {"com.docker.compose.project": d.name},
        "HostConfig": {"NetworkMode": f"container:{target}"}},
        name=f"{NAME}-side")
    copy_into(engine, made["Id"], "/mine")
    engine.call("POST", f"/containers/{made['Id']}/start")
    r = d.deploy()
    assert r["status"] == "refused" and "/mine of container" in r["reason"], r
    assert engine.inspect(f"{NAME}-side")["Id"] == made["Id"]


def test_more_than_are_looked_at(drive, engine):
    """500 files: those next to the root come first."""
    many = ("app", WRITES[1].replace(
        "echo up >/up", "mkdir -p /many/a/b; i=0\nwhile [ $i -lt 700 ]; do "
        "echo $i >/many/a/b/$i; i=$((i+1)); done\necho up >/up"))
    d = prepare(drive, files=[many])
    c = service(d, ["/etc/my.conf"])
    wait_up(engine, c, "")
    r = d.deploy()
    assert r["status"] == "refused" and "/etc/my.conf" in r["reason"], r
    engine.remove(c)
    c = service(d, ["/zz/a/b/c/d/my.conf"])
    wait_up(engine, c, "")
    p = d.proxy()
    assert d.deploy(proxy=p)["status"] == "deployed"
    assert p.looks == 500 + 1  # the one below /run/secrets
