"""Are two inspected containers the same, less what differs between any two?"""
import re


def is_anonymous(text):
    return re.match(r"[0-9a-f]{64}(:|$)", text or "")


def view(c):
    """What an inspected container is, less what differs between any two."""
    config, host = dict(c["Config"]), dict(c["HostConfig"])
    if config["Hostname"] == c["Id"][:12]:
        config["Hostname"] = "(its id)"
    config["Labels"] = {k: v for k, v in config["Labels"].items()
                        if not k.startswith("pullwire.")}
    host["Binds"] = [b for b in host["Binds"] or [] if not is_anonymous(b)]
    host["Links"] = [x.rpartition("/")[2] for x in host["Links"] or []]
    host["Mounts"] = [{k: v for k, v in m.items()
                       if k != "Source" or not is_anonymous(v)}
                      for m in host.get("Mounts") or []]
    mine = (c["Id"][:12], c["Config"]["Hostname"])
    nets = {name: {"Aliases": sorted(a for a in n["Aliases"] or []
                                     if a not in mine),
                   "IPAMConfig": n["IPAMConfig"] or None,
                   "Links": n["Links"]}
            for name, n in c["NetworkSettings"]["Networks"].items()}
    mounts = {m["Destination"]: (
        m["Type"], m["RW"], m["Propagation"], "" if is_anonymous(m.get("Name"))
        else m["Source"]) for m in c["Mounts"]}
    return {"Config": {k: v or None for k, v in config.items()},
            "HostConfig": {k: v or None for k, v in host.items()},
            "networks": nets, "mounts": mounts}


def volumes(c):
    return {m["Destination"]: m["Name"] for m in c["Mounts"]
            if m["Type"] == "volume"}


def differences(got, want, at=""):
    if isinstance(got, dict) and isinstance(want, dict):
        return [d for k in sorted({*got, *want})
                for d in differences(got.get(k), want.get(k), f"{at}.{k}")]
    return [] if got == want else [f"{at[1:]}: {got!r} instead of {want!r}"]
