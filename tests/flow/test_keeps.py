"""What the user set stays, what was the old image's default becomes the new's.

The oracle: a container of image A that was redeployed to image B must look
as one created from B with the same options. A and B differ in every default
that an image can have. All containers are redeployed by one push.
"""
import pytest

from rig import images
from rig.stack import TOKEN

# Stays up whatever it is started with; ends at once on every signal used.
KEEPER = ("app", "#!/bin/sh\ntrap 'exit 0' TERM INT QUIT USR1\n"
          "while :; do sleep 1000 & wait $!; done\n")
SLOW = 10 ** 9 * 300


def defaults(v):
    """As changes for an import: all differ between `one` and `two`."""
    return [f"ENV SHARED=image-{v}", f"ENV ONLY_{v.upper()}=1",
            f"WORKDIR /w-{v}", f"LABEL made={v}", f"LABEL only-{v}=1",
            "ENTRYPOINT " + ('["/app"]' if v == "one"
                             else '["/bin/sh","/app"]'),
            f'CMD ["{v}"]', "STOPSIGNAL "
            + ("SIGINT" if v == "one" else "SIGQUIT"),
            "EXPOSE " + ("9001" if v == "one" else "9002"),
            f"VOLUME /vol-{v}", "VOLUME /vol-both"]


def health(v):
    return ('HEALTHCHECK --interval=200ms --timeout=2s --retries='
            + ("3" if v == "one" else "4") + ' CMD ["/bin/true"]')


OPTIONS = {
    "plain": {},
    "env-override": {"Env": ["SHARED=mine", "EXTRA=1", "EMPTY="]},
    "env-unset": {"Env": ["SHARED"]},
    "cmd": {"Cmd": ["three", "with space"]},
    "entrypoint": {"Entrypoint": ["/bin/sh"], "Cmd": ["/app"]},
    "entrypoint-only": {"Entrypoint": ["/bin/sh", "/app"]},
    "entrypoint-empty": {"Entrypoint": [""], "Cmd": ["/app", "x"]},
    "both-as-in-image": {"Entrypoint": ["/bin/sh", "/app", "y"],
                         "Cmd": ["one"]},
    "workdir-user": {"WorkingDir": "/mine", "User": "0:0"},
    "stop-signal": {"StopSignal": "SIGUSR1", "StopTimeout": 0},
    "stop-timeout": {"StopTimeout": 7},
    "hostname": {"Hostname": "fixed", "Domainname": "example.com"},
    "tty": {"Tty": True, "OpenStdin": True, "StdinOnce": True},
    "no-health": {"Healthcheck": {"Test": ["NONE"]}},
    "own-health": {"Healthcheck": {"Test": ["CMD", "/bin/true"],
                                   "Interval": 150_000_000, "Retries": 9}},
    "half-health": {"Healthcheck": {"Interval": 250_000_000}},
    "labels": {"Labels": {"made": "by-user", "mine": "1", "empty": ""}},
    "port": {"ExposedPorts": {"9001/tcp": {}}, "HostConfig": {
        "PortBindings": {"9001/tcp": [{"HostIp": "127.0.0.1",
                                       "HostPort": ""}]}}},
    "anonymous": {"Volumes": {"/anon": {}}},
    "mount-nameless": {"HostConfig": {"Mounts": [
        {"Type": "volume", "Target": "/nameless"}]}},
    "mounts": {"HostConfig": {
        "Binds": ["pw-keeps-named:/named:ro", "/usr/share:/share:ro"],
        "Tmpfs": {"/scratch": "size=1m"},
        "Mounts": [{"Type": "tmpfs", "Target": "/t",
                    "TmpfsOptions": {"SizeBytes": 65536}},
                   {"Type": "volume", "Source": "pw-keeps-other",
                    "Target": "/o", "VolumeOptions": {"NoCopy": True}}]}},
    "many": {"HostConfig": {
        "CapAdd": ["NET_ADMIN"], "CapDrop": ["MKNOD"], "Memory": 1 << 28,
        "CpuShares": 512, "PidsLimit": 100, "ShmSize": 1 << 22,
        "Ulimits": [{"Name": "nofile", "Soft": 512, "Hard": 1024}],
        "Dns": ["192.0.2.1"], "DnsSearch": ["example.com"],
        "ExtraHosts": ["db:192.0.2.7"], "GroupAdd": ["1234"],
        "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "80"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "ReadonlyRootfs": True, "Init": True, "OomScoreAdj": 100,
        "SecurityOpt": ["no-new-privileges"], "IpcMode": "shareable",
        "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x",
                     "CgroupPermissions": "r"}]}},
    "pid-host": {"HostConfig": {"PidMode": "host"}},
    "net-host": {"HostConfig": {"NetworkMode": "host"}},
    "net-none": {"HostConfig": {"NetworkMode": "none"}},
    "uts-host": {"HostConfig": {"UTSMode": "host"}},
    "auto-restart": {"HostConfig": {"RestartPolicy": {"Name": "always"}}},
}


def prepare(engine, registry, name, body, tag):
    config = {**body, "Image": f"{registry.host}/keeps/app:{tag}"}
    return engine.call("POST", "/containers/create", config,
                       name=name)["Id"]


def seen(engine, ident):
    """What inspect says, less what must differ."""
    got = engine.inspect(ident)
    config, host = got["Config"], got["HostConfig"]
    if config["Hostname"] == got["Id"][:12]:
        config["Hostname"] = "(its id)"
    config["Env"] = sorted(config["Env"])
    config["Labels"] = {k: v for k, v in config["Labels"].items()
                        if "pullwire" not in k}
    host["Runtime"] = host.get("Runtime") or "runc"  # filled in by a start
    # Anonymous volumes are named at last: compared by place.
    named = {d.split(":")[1] for d in host.pop("Binds") or []}
    named |= {m["Target"] for m in host.pop("Mounts", None) or []}
    mounts = {m["Destination"]: (m["Type"], m["RW"]) for m in got["Mounts"]}
    for key in ("Volumes", "ExposedPorts", "Healthcheck", "Entrypoint",
                "Cmd", "OnBuild"):
        config[key] = config.get(key) or None
    return {"config": config, "host": host, "mounts": mounts}


@pytest.fixture(scope="module")
def redeployed(engine, registry):
    """{option: (as redeployed, as created from B)}, volumes before."""
    from rig.stack import Stack
    engine.remove_all("keeps")
    for tag in ("one", "two"):
        images.put(engine, registry, "keeps/app", tag, health=health(tag),
                   changes=defaults(tag), files=[KEEPER])
    digest = engine.push(f"{registry.host}/keeps/app:two")
    before = {}
    for name, body in OPTIONS.items():
        ident = prepare(engine, registry, "keeps-" + name, body, "one")
        engine.call("POST", f"/containers/{ident}/start")
        before[name] = engine.inspect(ident)
    stack = Stack(
        [{"name": n, "repository": "keeps/app", "grace": "500ms",
          "deploy": {"container": "keeps-" + n}} for n in OPTIONS],
        {"local": engine.sock},
        [{"name": "push", "type": "generic", "registry": registry.host,
          "auth": {"bearer": TOKEN}}]).start()
    event = stack.push("keeps/app", "two", digest)
    after = {}
    try:
        for name, body in OPTIONS.items():
            row = stack.wait_final(event, name, 60)
            ident = prepare(engine, registry, "keeps-control-" + name, body,
                            "two")
            after[name] = (row, before[name],
                           engine.inspect("keeps-" + name),
                           seen(engine, "keeps-" + name),
                           seen(engine, ident))
        yield after
    finally:
        report = stack.report()
        stack.close()
        engine.remove_all("keeps", "pw-keeps-named", "pw-keeps-other")
        print(report)


@pytest.mark.parametrize("name", OPTIONS)
def test_as_if_created_from_the_new_image(redeployed, name):
    row, before, now, got, want = redeployed[name]
    assert row["status"] == "deployed", row
    assert now["Id"] != before["Id"]
    assert now["State"]["Status"] == "running"
    for part in ("config", "host"):
        differ = {k: (got[part].get(k), want[part].get(k))
                  for k in {*got[part], *want[part]}
                  if got[part].get(k) != want[part].get(k)}
        # A volume of the old image that the new one no longer declares
        # stays mounted: it may hold data.
        if part == "config":
            differ.pop("Volumes", None)
        assert not differ, f"(redeployed, created): {differ}"
    kept = {m["Name"]: m["Destination"] for m in before["Mounts"]
            if m["Type"] == "volume"}
    there = {m["Name"]: m["Destination"] for m in now["Mounts"]
             if m["Type"] == "volume"}
    assert kept.items() <= there.items(), "no volume was swapped for another"
    assert want["mounts"].items() <= got["mounts"].items()


def test_networks_aliases_and_addresses(engine, registry, stacks):
    engine.remove_all("keepnet")
    for net, part in (("keepnet-a", 240), ("keepnet-b", 241)):
        try:
            engine.call("DELETE", f"/networks/{net}")
        except Exception:
            pass
        engine.call("POST", "/networks/create", {
            "Name": net, "IPAM": {"Config": [
                {"Subnet": f"10.99.{part}.0/24"}]}})
    images.put(engine, registry, "keeps/net", "one")
    digest = images.put(engine, registry, "keeps/net", "two")
    ident = engine.call("POST", "/containers/create", {
        "Image": f"{registry.host}/keeps/net:one",
        "HostConfig": {"NetworkMode": "keepnet-a"},
        "NetworkingConfig": {"EndpointsConfig": {"keepnet-a": {
            "IPAMConfig": {"IPv4Address": "10.99.240.77"},
            "Aliases": ["api", "web"]}}}}, name="keepnet")["Id"]
    engine.call("POST", "/networks/keepnet-b/connect", {
        "Container": ident, "EndpointConfig": {"Aliases": ["db"]}})
    engine.call("POST", f"/containers/{ident}/start")
    stack = stacks([{"name": "net", "repository": "keeps/net",
                     "deploy": {"container": "keepnet"}}],
                   {"local": engine.sock},
                   [{"name": "push", "type": "generic",
                     "registry": registry.host, "auth": {"bearer": TOKEN}}])
    stack.start()
    row = stack.wait_final(stack.push("keeps/net", "two", digest))
    try:
        assert row["status"] == "deployed", row
        now = engine.inspect("keepnet")
        nets = now["NetworkSettings"]["Networks"]
        assert set(nets) == {"keepnet-a", "keepnet-b"}
        assert nets["keepnet-a"]["IPAddress"] == "10.99.240.77"
        assert {"api", "web"} <= set(nets["keepnet-a"]["Aliases"])
        assert "db" in nets["keepnet-b"]["Aliases"]
        for net in nets.values():
            assert ident[:12] not in net["Aliases"], "the old one's id"
    finally:
        engine.remove_all("keepnet")
        for net in ("keepnet-a", "keepnet-b"):
            engine.call("DELETE", f"/networks/{net}")
