"""Watchtower's way from an inspected container to its successor, for comparison:
GetCreateConfig, GetCreateHostConfig, GetNetworkConfig and StartContainer of
containrrr/watchtower 1.7 (pkg/container), as its comments and documentation
describe them, on API 1.25, which it uses unless told otherwise. It goes by
typed structs, so members that its library does not know are lost on the way;
here they are kept, which is kinder.
"""

API = "/v1.25"


def less(all_, those):
    return [x for x in all_ or [] if x not in (those or [])]


def less_keys(all_, those, same_value):
    return {k: v for k, v in (all_ or {}).items() if k not in (those or {}) or
            (same_value and those[k] != v)}


def less_health(mine, image):
    if not mine or not image:
        return mine
    return {k: v for k, v in mine.items() if v != image.get(k)}


def config(old, image):
    c, i, host = dict(old["Config"]), image["Config"], old["HostConfig"]
    for key in "WorkingDir", "User":
        if c[key] == i[key]:
            c[key] = ""
    if host["NetworkMode"].startswith("container:"):
        c["Hostname"] = ""
    if (c["Entrypoint"] or []) == (i["Entrypoint"] or []):
        c["Entrypoint"] = None
        if (c["Cmd"] or []) == (i["Cmd"] or []):
            c["Cmd"] = None
    c["Healthcheck"] = less_health(c.get("Healthcheck"), i.get("Healthcheck"))
    c["Env"] = less(c["Env"], i["Env"])
    c["Labels"] = less_keys(c["Labels"], i["Labels"], True)
    c["Volumes"] = less_keys(c["Volumes"], i["Volumes"], False)
    c["ExposedPorts"] = less_keys(c.get("ExposedPorts"),
                                  i.get("ExposedPorts"), False)
    for port in host["PortBindings"] or {}:
        c["ExposedPorts"][port] = {}
    return c


def host_config(old):
    host = dict(old["HostConfig"])
    host["Links"] = [x[:x.index(":")] + ":" + x[x.rindex("/"):]
                     for x in host["Links"] or []] or None
    return host


def endpoints(old):
    return {name: {**e, "Aliases": [a for a in e["Aliases"] or []
                                    if a != old["Id"][:12]]}
            for name, e in old["NetworkSettings"]["Networks"].items()}


def replace(engine, old_id, name, image):
    """Creates the successor; its inspected self, as of the engine's newest
    API. The old one stays, for others to be compared with it."""
    was, engine.api = engine.api, API
    try:
        old = engine.inspect(old_id)
        old_image = engine.image(old["Image"])
        nets = endpoints(old)
        one = dict(list(nets.items())[:1])
        made = engine.call("POST", "/containers/create", {
            **config(old, old_image), "Image": image,
            "HostConfig": host_config(old),
            "NetworkingConfig": {"EndpointsConfig": one}}, name=name)["Id"]
        if old["HostConfig"]["NetworkMode"] != "host":
            for net in one:
                engine.call("POST", f"/networks/{net}/disconnect",
                            {"Container": made, "Force": True})
            for net, e in nets.items():
                engine.call("POST", f"/networks/{net}/connect",
                            {"Container": made, "EndpointConfig": e})
    finally:
        engine.api = was
    return engine.inspect(made)
