"""What a replaced container keeps of networks, volumes, other containers and
its image's own command: the options that matter while it runs; test_docker_oracle.py asks about all of them.
For options U and images A and B, the container that was run with U from A and
redeployed to B must be what U run from B is.
"""
import os
import subprocess

import pytest

from rig.drive import drive, drive_program, put, ref  # noqa: F401
from rig.same import differences, view, volumes
from rig.stack import free_port

HOLD = ("#!/bin/sh\ntrap 'exit 0' TERM INT USR1 HUP\n"
        "while :; do sleep 1 & wait $!; done\n")
FILES = [("hold", HOLD), ("hold2", HOLD), ("va/f", "image"), ("u/f", "image")]
A = ["ENV SHARED=a", "ENV ONLYA=1", "WORKDIR /a", "USER 0",
     "LABEL same=x", "LABEL of=a", "LABEL onlya=1", "STOPSIGNAL SIGINT",
     "LABEL com.docker.compose.project=keeps", "EXPOSE 8001", "EXPOSE 8002",
     "VOLUME /va", 'ENTRYPOINT ["/hold"]', 'CMD ["a"]']
B = ["ENV SHARED=b", "ENV ONLYB=1", "WORKDIR /b", "USER 0:0",
     "LABEL same=x", "LABEL of=b", "LABEL onlyb=1", "STOPSIGNAL SIGUSR1",
     "EXPOSE 8002", "EXPOSE 8003", "VOLUME /vb", 'ENTRYPOINT ["/hold2"]',
     'CMD ["b"]']
HEALTH_A = ('HEALTHCHECK --interval=150ms --timeout=60s --retries=2 '
            'CMD ["/bin/true"]')
HEALTH_B = ('HEALTHCHECK --interval=200ms --timeout=70s --retries=3 '
            'CMD ["/bin/test","-e","/hold"]')
NS = 1000000
PORT = free_port()

SETS = {
    "entrypoint of the image, no command": {"Entrypoint": ["/hold"]},
    "entrypoint and a command like the image's":
        {"Entrypoint": ["/hold2"], "Cmd": ["a"]},
    "labels of Compose": {"Labels": {
        "com.docker.compose.project": "keeps",
        "com.docker.compose.service": "app",
        "com.docker.compose.config-hash": "h"}},
    "health, all of it": {"Healthcheck": {
        "Test": ["CMD", "/bin/true", "x"], "Interval": 100 * NS,
        "Timeout": 80000 * NS, "StartPeriod": 50 * NS, "Retries": 7}},
    "ports": {"ExposedPorts": {"8001/tcp": {}, "9001/udp": {}}, "HostConfig": {
        "PortBindings": {"8001/tcp": [{"HostIp": "127.0.0.1",
                                       "HostPort": str(PORT)}]}}},
    "all ports": {"HostConfig": {"PublishAllPorts": True}},
    "volumes": {"Volumes": {"/u": {}}, "HostConfig": {
        "Binds": ["keeps-named:/n:ro", "/etc:/host:ro"],
        "Tmpfs": {"/t": "size=1m"}}},
    "mounts": {"HostConfig": {"Mounts": [
        {"Type": "volume", "Target": "/x/"},
        {"Type": "volume", "Source": "keeps-named", "Target": "/n",
         "VolumeOptions": {"NoCopy": True}},
        {"Type": "bind", "Source": "/etc", "Target": "/host",
         "ReadOnly": True, "BindOptions": {"Propagation": "rprivate",
                                           "NonRecursive": True}}]}},
    "MAC address": {"MacAddress": "02:42:0a:00:00:77"},
    "two networks": {"HostConfig": {"NetworkMode": "keeps-a"},
                     "NetworkingConfig": {"EndpointsConfig": {"keeps-a": {
                         "Aliases": ["app", "web"], "IPAMConfig": {
                             "IPv4Address": "10.199.1.77"}}}}},
    "another's network": {"HostConfig": {"NetworkMode": "container:keeps-x"}},
    "a link": {"HostConfig": {"Links": ["keeps-x:db"]}},
    "another's volumes": {"HostConfig": {"VolumesFrom": ["keeps-x:ro"]}},
}


@pytest.fixture(scope="module")
def world(engine):
    """Two networks, and a container that others refer to."""
    for n, net in (("keeps-a", "10.199.1.0/24"), ("keeps-b", "10.199.2.0/24")):
        engine.call("POST", "/networks/create", {
            "Name": n, "IPAM": {"Config": [{"Subnet": net}]}})
    yield
    engine.remove_all("keeps", "keeps-x", "keeps-named")
    for n in ("keeps-a", "keeps-b"):
        engine.call("DELETE", f"/networks/{n}")


def create(engine, name, image, options):
    made = engine.call("POST", "/containers/create",
                       {"Image": image, **options}, name=name)
    if "NetworkingConfig" in options:
        engine.call("POST", "/networks/keeps-b/connect", {
            "Container": made["Id"], "EndpointConfig": {"Aliases": ["b"]}})
    return made["Id"]


@pytest.fixture(scope="module")
def made():
    """The images are made once."""
    return {}


@pytest.mark.parametrize("name", SETS)
def test_keeps(drive, engine, world, made, name):
    d, options = drive("keeps"), SETS[name]
    if not made:
        made["a"] = put(d, "a", HEALTH_A, changes=A, files=FILES)
        made["b"] = put(d, "b", HEALTH_B, changes=B, files=FILES)
    engine.remove("keeps-x")
    engine.run("keeps-x", ref(d, "a"), volume="keeps-named")
    old = create(engine, "keeps", ref(d, "a"), options)
    engine.call("POST", f"/containers/{old}/start")
    before = engine.inspect(old)
    d.push("b", made["b"])
    r = d.deploy(grace="0ms")
    assert r["status"] == "deployed", r
    got = engine.inspect("keeps")
    engine.remove("keeps")
    other = create(engine, "keeps-want", ref(d, "b"), options)
    engine.call("POST", f"/containers/{other}/start")
    want = view(engine.inspect(other))
    engine.remove(other)
    have = view(got)
    # What the old image mounted is kept as well: it may hold data.
    for v in have, want:
        v["mounts"].pop("/va", None)
    assert differences(have, want) == []
    now = volumes(got)
    assert {k: now.get(k) for k in volumes(before)} == volumes(before)


def test_mac_of_another_network(drive, engine, world):
    """It is kept where a label says that it was given; from API 1.44 on."""
    minor = int(engine.call("GET", "/version")["ApiVersion"][2:])
    if minor < 44:
        pytest.skip("older engines take no address there")
    d, macs = drive("keeps"), {"keeps-a": "02:42:0a:00:00:77",
                               "keeps-b": "02:42:0a:00:00:78"}
    put(d, "v1")
    was, engine.api = engine.api, "/v1.44"
    made = engine.call("POST", "/containers/create", {
        "Image": ref(d, "v1"), "HostConfig": {"NetworkMode": "keeps-a"},
        "Labels": {"pullwire.mac.keeps-b": macs["keeps-b"]},
        "NetworkingConfig": {"EndpointsConfig": {
            n: {"MacAddress": mac} for n, mac in macs.items()}}}, name="keeps")
    engine.api = was
    engine.call("POST", f"/containers/{made['Id']}/start")
    d.push("v2", put(d, "v2"))
    for want in "v2", "v3":  # its successor has it from the label again
        r = d.deploy()
        assert r["status"] == "deployed", r
        nets = engine.inspect("keeps")["NetworkSettings"]["Networks"]
        assert {n: e["MacAddress"] for n, e in nets.items()} == macs, want
        d.push("v3", put(d, "v3"))


@pytest.fixture
def card():
    """A network card to stand on: one end of a pair."""
    name = f"pwc{os.getpid() % 1000000}"
    done = subprocess.run(["ip", "link", "add", name, "type", "veth", "peer",
                           "name", name + "p"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no card can be made here: " + done.stderr.strip())
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield name
    subprocess.run(["ip", "link", "del", name], check=True)


def test_macvlan(drive, engine, card):
    """A network on a card of the host, and a fixed address in it."""
    d = drive("keeps")
    put(d, "v1")
    engine.call("POST", "/networks/create", {
        "Name": "keeps-m", "Driver": "macvlan", "Options": {"parent": card},
        "IPAM": {"Config": [{"Subnet": "10.199.3.0/24"}]}})
    try:
        made = engine.call("POST", "/containers/create", {
            "Image": ref(d, "v1"), "HostConfig": {"NetworkMode": "keeps-m"},
            "NetworkingConfig": {"EndpointsConfig": {"keeps-m": {
                "IPAMConfig": {"IPv4Address": "10.199.3.77"}}}}}, name="keeps")
        engine.call("POST", f"/containers/{made['Id']}/start")
        d.push("v2", put(d, "v2"))
        r = d.deploy()
        assert r["status"] == "deployed", r
        c = engine.inspect("keeps")
        assert "VERSION=v2" in c["Config"]["Env"]
        there, = c["NetworkSettings"]["Networks"].values()
        assert there["IPAddress"] == "10.199.3.77"
        assert there["IPAMConfig"]["IPv4Address"] == "10.199.3.77"
    finally:
        engine.remove("keeps")
        engine.call("DELETE", "/networks/keeps-m")
