"""Registries that want a login: what of the docker CLI's config.json is
understood, against a real registry with htpasswd and one with tokens; and what
people are told when it is not enough.
"""
import os

import pytest

from rig.drive import drive, drive_program  # noqa: F401
from rig.images import HEALTHY
from rig.login import PASSWORD, REFRESH, USER, PrivateRegistry

NAME = "login"
HELPER = """#!/bin/sh
read server
[ "$1 $server" = "get %s" ] || exit 9
echo '{"ServerURL":"'$server'","Username":"%s","Secret":"%s"}'
"""


@pytest.fixture(scope="module")
def private(engine):
    """kind -> a registry that holds NAME:v1, which runs at the engine."""
    made = {}

    def get(kind):
        if kind in made:
            return made[kind]
        p = made[kind] = PrivateRegistry(kind)
        ref = f"{p.host}/{NAME}:v1"
        engine.build(ref, "v1", [HEALTHY])
        p.push(engine, ref)
        return p

    yield get
    for p in made.values():
        p.close()


def helper(p, name, script):
    path = p.path("docker-credential-" + name)
    with open(path, "w") as f:
        f.write(script)
    os.chmod(path, 0o755)
    return {"auths": {p.host: {}}, "credHelpers": {p.host: name}}


def pair(p):
    return p.pair()


def plain(p):
    return {"auths": {f"https://{p.host}/v2/": {"username": USER,
                                                "password": PASSWORD}}}


def identity_token(p):
    return {"auths": {p.host: {"identitytoken": REFRESH}}}


def by_helper(p):
    return helper(p, "good", HELPER % (p.host, USER, PASSWORD))


def token_by_helper(p):
    return helper(p, "token", HELPER % (p.host, "<token>", REFRESH))


def store(p):
    helper(p, "store", HELPER % (p.host, USER, PASSWORD))
    return {"credsStore": "store"}


def none(p):
    return {}


def wrong(p):
    return p.pair("wrong-" + PASSWORD)


def not_found(p):
    return helper(p, "empty", "#!/bin/sh\necho credentials not found in "
                              "native keychain\nexit 1\n")


def failing(p):
    return helper(p, "locked", "#!/bin/sh\necho the keychain is locked\n"
                               "exit 1\n")


def missing(p):
    return {"credHelpers": {p.host: "not-here"}}


def broken(p):
    return "auths:"


@pytest.mark.parametrize("kind,config,says", [
    ("htpasswd", pair, None), ("htpasswd", plain, None),
    ("htpasswd", by_helper, None), ("htpasswd", store, None),
    ("token", pair, None), ("token", identity_token, None),
    ("token", token_by_helper, None),
    ("htpasswd", none, "there is no login for it in "),
    ("htpasswd", not_found, "there is no login for it in "),
    ("token", none, "there is no login for it in "),
    ("htpasswd", wrong, "the registry does not take the login that "),
    ("token", wrong, "the registry does not take the login that "),
    ("htpasswd", failing, "docker-credential-locked: it ended with status 1: "
                          "the keychain is locked"),
    ("htpasswd", missing, "docker-credential-not-here: it is not installed"),
    ("htpasswd", broken, "config.json"),
], ids=lambda x: getattr(x, "__name__", None) or (x or "good")[:12])
def test_login(drive, engine, private, kind, config, says, capfd):
    p, d = private(kind), drive(NAME)
    engine.run(NAME, f"{p.host}/{NAME}:v1")
    d.job["registry"] = p.host
    d.push("v1")  # no digest told: it is always pulled
    d.keys["docker_config"] = p.config("told", config(p))
    r = d.deploy(env={"PATH": p.dir + ":" + os.environ["PATH"]})
    said = capfd.readouterr()
    for secret in PASSWORD, REFRESH:
        assert secret not in said.out + said.err
    if not says:
        assert r["status"] == "unchanged", r
        return
    assert (r["status"], r["retry"]) == ("failed", False), r
    assert says in r["reason"] and p.path("told") in r["reason"] or \
        "docker-credential" in r["reason"], r
    assert engine.inspect(NAME)["State"]["Running"]


def test_default_place(drive, engine, private):
    """Without docker_config: where the docker CLI would look."""
    p, d = private("htpasswd"), drive(NAME)
    engine.run(NAME, f"{p.host}/{NAME}:v1")
    d.job["registry"] = p.host
    d.push("v1")
    folder = os.path.dirname(p.config("home/.docker", p.pair()))
    home = os.path.dirname(folder)
    env = {"DOCKER_CONFIG": folder, "HOME": "/nowhere"}
    assert d.deploy(env=env)["status"] == "unchanged"
    env = {"DOCKER_CONFIG": "", "HOME": home}
    assert d.deploy(env=env)["status"] == "unchanged"
    env = {"DOCKER_CONFIG": "", "HOME": "/nowhere"}
    assert "there is no login" in d.deploy(env=env)["reason"]
