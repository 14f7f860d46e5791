"""The round trip: for user options U and images A and B, the container that is
made from what is left of U in a container of A must be, on B, what U itself
gives on B. Containers are only created, on the engine's own newest API, so that
options count that this machine could not start.

    inspect(create(spec(inspect(create(U, A))), B)) == inspect(create(U, B))
"""
import copy
import os

import pytest

from rig import watchtower
from rig.docker import TOP, DockerError
from rig.drive import drive, drive_program, put, ref  # noqa: F401
from rig.same import differences, view, volumes
from rig.watchtower import less

NAME = "orc"
NS = 1000000
FILES = [("hold", "#!/bin/sh\n"), ("va/f", "image")]
A = ["ENV SHARED=a", "ENV ONLYA=1", "WORKDIR /a", "USER 0",
     "LABEL same=x", "LABEL of=a", "LABEL onlya=1", "STOPSIGNAL SIGINT",
     "LABEL com.docker.compose.project=keeps", "EXPOSE 8001", "EXPOSE 8002",
     "VOLUME /va", 'ENTRYPOINT ["/hold"]', 'CMD ["a"]']
B = ["ENV SHARED=b", "ENV ONLYB=1", "WORKDIR /b", "USER 0:0",
     "LABEL same=x", "LABEL of=b", "LABEL onlyb=1", "STOPSIGNAL SIGUSR1",
     "EXPOSE 8002", "EXPOSE 8003", "VOLUME /vb", 'ENTRYPOINT ["/hold2"]',
     'CMD ["b"]']
HEALTH_A = "HEALTHCHECK --interval=3s --timeout=1s --retries=2 CMD true"
HEALTH_B = "HEALTHCHECK --interval=5s --timeout=2s --retries=3 CMD false"
COMPOSE = {"com.docker.compose.project": "keeps",
           "com.docker.compose.service": "app",
           "com.docker.compose.config-hash": "h"}


def host(**keys):
    return {"HostConfig": keys}


def bind(text):
    return host(Binds=[text])


def net(main, **endpoints):
    """Endpoints in create: 1.44 and newer take several, older one."""
    return {"HostConfig": {"NetworkMode": main},
            "NetworkingConfig": {"EndpointsConfig": endpoints}}


SETS = {
    # Config against the image's defaults
    "nothing": {},
    "env over the image's": {"Env": ["SHARED=mine"]},
    "env unset": {"Env": ["SHARED"]},
    "env of its own": {"Env": ["NEW=1", "EMPTY=", "SPACED=a b=c"]},
    "command": {"Cmd": ["x", "y"]},
    "command and another entrypoint": {"Entrypoint": ["/x"], "Cmd": ["y"]},
    "entrypoint alone": {"Entrypoint": ["/bin/sh"]},
    "entrypoint of the image, no command": {"Entrypoint": ["/hold"]},
    "entrypoint, and a command like the image's":
        {"Entrypoint": ["/other"], "Cmd": ["a"]},
    "no entrypoint": {"Entrypoint": [""], "Cmd": ["/hold", "x"]},
    "entrypoint of several words": {"Entrypoint": ["tini", "--"],
                                    "Cmd": ["/hold"]},
    "user and folder": {"User": "7:8", "WorkingDir": "/w"},
    "stop signal": {"StopSignal": "SIGHUP"},
    "stop timeout 0": {"StopTimeout": 0},
    "stop timeout 300": {"StopTimeout": 300},
    "host name": {"Hostname": "mine", "Domainname": "example.com"},
    "terminal": {"Tty": True, "OpenStdin": True, "StdinOnce": True,
                 "AttachStdin": True, "AttachStdout": True},
    "no healthcheck": {"Healthcheck": {"Test": ["NONE"]}},
    "healthcheck's interval": {"Healthcheck": {"Interval": 100 * NS}},
    "healthcheck, all of it": {"Healthcheck": {
        "Test": ["CMD", "/bin/true", "x"], "Interval": 100 * NS,
        "Timeout": 900 * NS, "StartPeriod": 50 * NS, "Retries": 7}},
    "labels": {"Labels": {"of": "mine", "own": "1"}},
    "labels of Compose": {"Labels": COMPOSE},
    "exposed ports": {"ExposedPorts": {"9000/tcp": {}, "9001/udp": {}}},
    "a port that the new image does not expose": {
        "ExposedPorts": {"8001/tcp": {}}, **host(PortBindings={
            "8001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18901"}]})},
    "a port exposed by nobody": host(PortBindings={
        "7000/tcp": [{"HostIp": "", "HostPort": ""}]}),
    "several ports": host(PortBindings={
        "7000/tcp": [{"HostIp": "", "HostPort": "7000-7009"}],
        "7001/udp": [{"HostIp": "", "HostPort": "1"},
                     {"HostIp": "::1", "HostPort": "2"}]}),
    "all ports": host(PublishAllPorts=True),
    # Volumes
    "anonymous volume": {"Volumes": {"/u": {}}},
    "the image's volume, named": bind("orc-v:/va"),
    "named volumes": host(Binds=["orc-v:/n:ro", "orc-w:/w:nocopy"]),
    "binds": host(Binds=["/etc:/e:ro", "/tmp:/t:rw,rshared", "/usr:/u:rslave"]),
    "a volume without a name": host(Mounts=[
        {"Type": "volume", "Target": "/x/"}]),
    "mounts": host(Mounts=[
        {"Type": "volume", "Source": "orc-v", "Target": "/n",
         "VolumeOptions": {"NoCopy": True}},
        {"Type": "bind", "Source": "/etc", "Target": "/host", "ReadOnly": True,
         "BindOptions": {"Propagation": "rprivate", "NonRecursive": True}},
        {"Type": "tmpfs", "Target": "/m",
         "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o700}}]),
    "tmpfs": host(Tmpfs={"/t": "size=1m,noexec"}, ShmSize=1 << 20),
    "another's volumes": host(VolumesFrom=["orc-x:ro"]),
    "a volume's driver and its labels": host(Mounts=[
        {"Type": "volume", "Target": "/d", "Source": "orc-d",
         "VolumeOptions": {"Labels": {"a": "b"}, "DriverConfig": {
             "Name": "local", "Options": {}}}}]),
    # HostConfig
    "capabilities": host(CapAdd=["NET_ADMIN"], CapDrop=["MKNOD"],
                         SecurityOpt=["no-new-privileges"]),
    "privileged": host(Privileged=True),
    "unconfined": host(SecurityOpt=["seccomp=unconfined"], MaskedPaths=[],
                       ReadonlyPaths=[]),
    "memory": host(Memory=64 << 20, MemoryReservation=32 << 20,
                   OomScoreAdj=100),
    "cpu": host(CpuShares=512, NanoCpus=500000000, CpusetCpus="0"),
    "cpu by period": host(CpuPeriod=100000, CpuQuota=50000, PidsLimit=77),
    "ulimits": host(Ulimits=[{"Name": "nofile", "Soft": 100, "Hard": 200}]),
    "devices": host(Devices=[
        {"PathOnHost": "/dev/null", "PathInContainer": "/dev/n",
         "CgroupPermissions": "rw"}], DeviceCgroupRules=["c 1:3 mr"]),
    "a GPU": host(DeviceRequests=[
        {"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]),
    "names": host(Dns=["9.9.9.9"], DnsSearch=["example.com"],
                  DnsOptions=["ndots:1"], ExtraHosts=["db:10.0.0.1"]),
    "sysctls": host(Sysctls={"net.core.somaxconn": "100"}),
    "logs": host(LogConfig={"Type": "json-file", "Config": {
        "max-size": "1m", "max-file": "3"}}),
    "no logs": host(LogConfig={"Type": "none", "Config": {}}),
    "restart": host(RestartPolicy={"Name": "on-failure",
                                   "MaximumRetryCount": 3}),
    "always": host(RestartPolicy={"Name": "always"}),
    "read only with an init": host(ReadonlyRootfs=True, Init=True),
    "groups": host(GroupAdd=["7", "users"]),
    "gone when it stops": host(AutoRemove=True),
    "runtime": host(Runtime="runc", CgroupParent="/orc"),
    # Namespaces and networks
    "host's network": host(NetworkMode="host"),
    "no network": host(NetworkMode="none"),
    "another's network": host(NetworkMode="container:orc-x"),
    "host's processes": host(PidMode="host"),
    "another's processes and IPC": host(PidMode="container:orc-x",
                                        IpcMode="container:orc-x"),
    "shareable IPC": host(IpcMode="shareable"),
    "host's name": host(UTSMode="host"),
    "own control group": host(CgroupnsMode="host"),
    "a link": host(Links=["orc-x:db"]),
    "a network": net("orc-a", **{"orc-a": {
        "Aliases": ["app", "web"],
        "IPAMConfig": {"IPv4Address": "10.198.1.77"}}}),
    "a network's link": net("orc-a", **{"orc-a": {
        "Links": ["orc-x:db"], "DriverOpts": {"a": "b"}}}),
}
# What older APIs do not have: minor -> sets.
NEWER = {
    42: {"bind, recursive": host(Mounts=[
        {"Type": "bind", "Source": "/etc", "Target": "/e",
         "BindOptions": {"CreateMountpoint": True}}])},
    43: {"annotations": host(Annotations={"a": "b"})},
    44: {"healthcheck's start": {"Healthcheck": {
            "Test": ["CMD", "x"], "StartInterval": 300 * NS}},
         "MAC address of the network": net("orc-a", **{"orc-a": {
             "MacAddress": "02:42:0a:c6:01:07"}}),
         "two networks": net("orc-a", **{
             "orc-a": {"Aliases": ["app"]},
             "orc-b": {"IPAMConfig": {"IPv4Address": "10.198.2.77"}}})},
    45: {"part of a volume": host(Mounts=[
        {"Type": "volume", "Source": "orc-v", "Target": "/n",
         "VolumeOptions": {"Subpath": "a/b"}}])},
    46: {"sysctl of the interface": net("orc-a", **{"orc-a": {"DriverOpts": {
        "com.docker.network.endpoint.sysctls":
            "net.ipv4.conf.IFNAME.log_martians=1"}}})},
    48: {"gateway's priority": net("orc-a", **{
        "orc-a": {}, "orc-b": {"GwPriority": 7}}),
         "part of an image": host(Mounts=[
             {"Type": "image", "Source": "IMAGE", "Target": "/i"}])},
}
OLDER = {"MAC address": {"MacAddress": "02:42:0a:00:00:77"}}


@pytest.fixture(scope="module")
def world(engine):
    """Networks, and a container that others refer to; on the newest API."""
    told = engine.call("GET", "/version")
    was, minor = engine.api, min(51, int(told["ApiVersion"][2:]))
    engine.api = f"/v1.{minor}"
    engine.remove_all(NAME, "orc-x", "orc-v", "orc-w", "orc-d")
    for n, subnet in (("orc-a", "10.198.1.0/24"), ("orc-b", "10.198.2.0/24")):
        try:
            engine.call("DELETE", f"/networks/{n}")
        except Exception:
            pass
        engine.call("POST", "/networks/create", {
            "Name": n, "IPAM": {"Config": [{"Subnet": subnet}]}})
    yield minor
    engine.remove_all(NAME, "orc-x", "orc-v", "orc-w", "orc-d")
    for n in ("orc-a", "orc-b"):
        engine.call("DELETE", f"/networks/{n}")
    engine.api = was


def create(engine, name, body, connect=()):
    engine.remove(name)
    made = engine.call("POST", "/containers/create", body, name=name)
    for c in connect:
        c = dict(c)
        engine.call("POST", f"/networks/{c.pop('Network')}/connect",
                    {"Container": made["Id"], **c})
    return engine.inspect(made["Id"])


def settle(v):
    """Less what may differ: what the old image mounted is kept, for it may
    hold data; a port that is published is exposed as well, or an engine would
    not publish it; a runtime that nobody named may be told or not."""
    v["mounts"].pop("/va", None)
    for path, mount in v["mounts"].items():
        if mount[0] == "image":  # where it is mounted is the container's own
            v["mounts"][path] = mount[:3]
    ports = v["Config"].get("ExposedPorts") or {}
    v["Config"]["ExposedPorts"] = {
        k: p for k, p in ports.items()
        if k not in (v["HostConfig"].get("PortBindings") or {})}
    v["HostConfig"]["Runtime"] = v["HostConfig"].get("Runtime") or "runc"
    return v


def lost_volumes(old, new):
    """Anonymous volumes of the old one that the new one does not have."""
    now = volumes(new)
    return [f"the data in {at}" for at, v in volumes(old).items()
            if now.get(at) != v and not old["HostConfig"]["AutoRemove"]]


def by_watchtower(engine, image, want, old):
    """What its algorithm makes another of, in words."""
    engine.remove("orc-wt")
    try:
        made = watchtower.replace(engine, old["Id"], "orc-wt", image)
    except DockerError as e:
        return ["cannot be created: " + str(e).partition('message":"')[2]
                .partition('"')[0].split(": ")[-1]]
    wrong = [d.partition(":")[0] for d in
             differences(settle(view(made)), settle(view(want)))]
    return lost_volumes(old, made) + [
        w.replace("HostConfig.", "").replace("Config.", "") for w in wrong]


def check_table(rows):
    """docs/COMPARISON.md has what was seen; PULLWIRE_WRITE=1 writes it."""
    path = os.path.join(TOP, "docs/COMPARISON.md")
    with open(path) as f:
        head, mark, _ = f.read().partition("<!-- the table -->\n")
    always = rows["nothing"]
    lines = ["| options | Pullwire | Watchtower's algorithm |",
             "|---|---|---|"]
    for name, wrong in rows.items():
        more = wrong if name == "nothing" else less(wrong, always)
        lines.append(f"| {name} | kept | "
                     f"{'**' + ', '.join(more) + '**' if more else 'kept'} |")
    text = head + mark + "\n".join(lines) + "\n"
    if os.environ.get("PULLWIRE_WRITE"):
        with open(path, "w") as f:
            f.write(text)
    with open(path) as f:
        assert f.read() == text, "write it anew with PULLWIRE_WRITE=1"


def test_round_trip(drive, engine, world):
    d, wrong, rows = drive(NAME), [], {}
    sets = {**SETS, **{k: v for m, s in NEWER.items() if m <= world
                       for k, v in s.items()}}
    if world < 44:
        sets.update(OLDER)
    images = {}
    for tag, health, changes in ("a", HEALTH_A, A), ("b", HEALTH_B, B):
        put(d, tag, health, changes=changes, files=FILES)
        images[tag] = ref(d, tag)
    engine.run("orc-x", images["a"], volume="orc-v")
    for name, options in sets.items():
        options = copy.deepcopy(options)
        for m in options.get("HostConfig", {}).get("Mounts", []):
            m["Source"] = m.get("Source", "").replace("IMAGE", images["a"])
            m["Source"] or m.pop("Source")
        old = create(engine, "orc-old", {"Image": images["a"], **options})
        told = d.spec("orc-old", images["b"], **(
            {"source": "orc-x"} if old["HostConfig"]["VolumesFrom"] else {}))
        if told["error"] or "body" not in told:
            wrong.append(f"{name}: {told}")
            continue
        assert told["api"] == world
        have = create(engine, "orc-new", told["body"], told["connect"])
        want = create(engine, "orc-want", {"Image": images["b"], **options})
        wrong += [f"{name}: {x}" for x in differences(
            settle(view(have)), settle(view(want)))]
        wrong += [f"{name}: lost {x}" for x in lost_volumes(old, have)]
        if world == 41:
            rows[name] = by_watchtower(engine, images["b"], want, old)
    for n in ("old", "new", "want", "wt"):
        engine.remove("orc-" + n)
    assert not wrong, "\n".join(wrong)
    assert len(sets) >= 40
    if rows:
        check_table(rows)
    print(f"{len(sets)} option sets kept on API 1.{world}")
