"""`pullwire-matcher check` on what people write wrong: one fault each, with its
file and line, the key, and what to do.
"""
import os
import subprocess

import pytest

from rig.stack import BUILD

HEAD = """\
sources: [{name: ci, type: generic, auth: {bearer: 0123456789abcdef}}]
engines: [{name: local, docker: "unix:///var/run/docker.sock"}]
"""


def trigger(*lines, action="    deploy: {container: web}\n"):
    return (HEAD + "triggers:\n  - name: web\n    repository: shop/web\n"
            + "".join(f"    {line}\n" for line in lines) + action)


def source(*lines):
    return "sources:\n  - name: ci\n" + "".join(
        f"    {line}\n" for line in lines)


# what: (the file, the line, what the fault says; the key and the way out)
MISTAKES = {
    "indent": (HEAD + "triggers:\n  - name: web\n   repository: shop/web\n",
               5, ["same column"]),
    "indented key": (HEAD + "triggers:\n  - name: web\n     repository: x\n",
                     5, ["indented less"]),
    "tab": (HEAD + "triggers:\n\t- name: web\n", 4, ["a tab", "use spaces"]),
    "unclosed brace": (trigger("deploy: {container: web", action=""),
                       7, ["'}'", "starts in line 6"]),
    "unclosed quote": (trigger('expression: "v.*'), 8,
                       ["a quote is not closed"]),
    "colon in a value": (trigger("url: http://a: b", action=""), 6,
                         ["wants quotes"]),
    "no dash": (HEAD + "triggers:\n  name: web\n", 4,
                ["`triggers` takes a list", "dash"]),
    "a word for an entry": (HEAD + "triggers:\n  - web\n", 4,
                            ["keys and values, such as `name:"]),
    "a word for an action": (trigger("deploy: web", action=""), 6,
                             ["such as `container:"]),
    "section misspelt": (HEAD + "trigger:\n  - name: web\n", 3,
                         ["`trigger`", "did you mean `triggers`?"]),
    "key misspelt": (trigger("expresion: v.*"), 6,
                     ["`expresion`", "did you mean `expression`?"]),
    "key cut short": (trigger("expr: v.*"), 6,
                      ["`expr`", "did you mean `expression`?"]),
    "key twice": (trigger("repository: shop/x"), 6,
                  ["`repository` stands here again", "line 5"]),
    "name twice": (trigger() + "  - name: web\n    repository: a/b\n"
                   "    deploy: {container: b}\n", 7,
                   ["name: trigger `web` is already in", ":4"]),
    "bad name": (trigger().replace("name: web", "name: we b", 1), 4,
                 ["`we b` is no trigger name", "letters, digits"]),
    "tag in the repository": (
        trigger().replace("repository: shop/web", "repository: shop/web:v1"),
        5, ["repository: `shop/web:v1`", "without tag"]),
    "eleven tags": (trigger("tags: [a, b, c, d, e, f, g, h, i, j, k]"), 6,
                    ["`tags` has 11 entries", "at most 10"]),
    "tags as one text": (trigger("tags: latest, stable"), 6,
                         ["tags: `latest, stable`"]),
    "pattern among tags": (trigger('tags: ["v*"]'), 6,
                           ["tags: `v*`", "use `expression`"]),
    "bad expression": (trigger('expression: "release-(v.*"'), 6,
                       ["expression: missing closing parenthesis at byte"]),
    "expression and tags": (trigger("expression: v.*", "tags: [a]"), 6,
                            ["`expression` and `tags` exclude each other"]),
    "bad range": (trigger("semver: newest"), 6,
                  ["semver: `newest`", "write for example `>=1.4 <2`"]),
    "bad window": (trigger('window: "Mon-Fri 25:00-06:00"'), 6,
                   ["window:", "write it as"]),
    "bad duration": (trigger("min_age: 5 minutes"), 6,
                     ["min_age: `5 minutes`"]),
    "bad switch": (trigger("dry_run: maybe"), 6,
                   ["dry_run: `maybe` is not true or false"]),
    "no action": (trigger(action=""), 4,
                  ["either `deploy` or `url`", "neither"]),
    "two actions": (trigger("url: http://example.com/"), 7,
                    ["either `deploy` or `url`, not both"]),
    "port 22": (trigger("url: http://example.com:22/", action=""), 6,
                ["url: http is not sent to port 22", "use 80, 21, 443"]),
    "https on 8443": (trigger("url: https://example.com:8443/", action=""),
                      6, ["port 443 only, not 8443", "put the service on"]),
    "no scheme": (trigger("url: example.com/hook", action=""), 6,
                  ["url: the URL does not start with http:// or https://"]),
    "password in a URL": (trigger("url: http://a:b@example.com/", action=""),
                          6, ["url:", "leave them out"]),
    "no such engine": (trigger("engine: far"), 6,
                       ["engine: `far` is not under `engines`"]),
    "no project": (trigger("deploy: {compose: web}", action=""), 6,
                   ["compose: `web` is not PROJECT/SERVICE"]),
    "socket's path alone": (
        "engines: [{name: local, docker: /var/run/docker.sock}]\n", 1,
        ["docker: `/var/run/docker.sock`", "write unix:///"]),
    "no such lane": ("deployer: {lanes: [far]}\n", 1,
                     ["lanes: `far` is neither http nor an engine"]),
    "no link": ("matcher: {ingress: [ingress:5701]}\n", 1,
                ["ingress: `ingress:5701` is no link", "write ipc:///"]),
    "no such type": (source("type: docker-hub", "auth: {bearer: x}"), 3,
                     ["type: `docker-hub`", "did you mean `dockerhub`?"]),
    "no auth": (source("type: generic"), 2, ["no `auth`"]),
    "no proof": (source("type: generic", "auth: {none: false}"), 4,
                 ["auth: give `bearer`"]),
    "proof misspelt": (source("type: generic", "auth: {bearers: x}"), 4,
                       ["`bearers`", "did you mean `bearer`?"]),
    "empty secret": (source("type: generic", 'auth: {bearer: ""}'), 4,
                     ["bearer: an empty secret would let everyone in"]),
    "no such secret file": (
        source("type: generic", "auth: {bearer_file: /nowhere/token}"), 4,
        ["bearer_file:", "/nowhere/token", "No such file"]),
    "variable that is not set": (
        source("type: generic", 'auth: {bearer: "${PW_NOT_SET}"}'), 4,
        ["bearer: ${PW_NOT_SET} is not set", "${PW_NOT_SET:-default}"]),
    "port too high": ("ingress:\n  http: 127.0.0.1:99999\n", 2,
                      ["ingress.http: \"127.0.0.1:99999\" is not an address",
                       "write HOST:PORT"]),
    "port for a socket": ("logger:\n  link: ipc:///x\n  http: 127.0.0.1:80800"
                          "\n", 3, ["logger.http: \"127.0.0.1:80800\""]),
    "no port": ("ingress: {http: localhost}\n", 1,
                ["ingress.http: \"localhost\"", "write HOST:PORT"]),
    "tcp link without keys": (
        "ingress:\n  link: tcp://*:5701\n", 2,
        ["ingress.link: tcp://*:5701 is tcp beyond this machine without keys",
         "set `keys: FOLDER`", "`links: plain`"]),
    "tcp link of the deployer": (
        "deployer: {link: 'tcp://10.1.2.3:5705'}\n", 1,
        ["deployer.link: tcp://10.1.2.3:5705 is tcp beyond this machine"]),
    "tcp link of the logger": (
        "logger: {link: 'tcp://*:5709'}\n", 1,
        ["logger.link: tcp://*:5709 is tcp beyond this machine"]),
    # Three of the four connect there; it is one mistake.
    "tcp link to the logger": (
        "matcher:\n  logger: [tcp://logger:5709]\n", 2,
        ["matcher.logger: tcp://logger:5709 is tcp beyond this machine"]),
    "a name to bind to": (
        "links: plain\ningress: {link: 'tcp://ingress:5701'}\n", 2,
        ["tcp://ingress:5701 names a host", "tcp://*:5701"]),
    "a link's port": (
        "matcher: {ingress: ['tcp://localhost:70000']}\n", 1,
        ["matcher.ingress: tcp://localhost:70000 is not tcp://HOST:PORT"]),
}

# Those of one process, by its own `-n` and its start as well.
OWN = {"port too high": "ingress", "port for a socket": "logger",
       "tcp link without keys": "ingress",
       "tcp link of the deployer": "deployer",
       "tcp link of the logger": "logger", "tcp link to the logger": "matcher"}


def check(path):
    return subprocess.run(
        [os.path.join(BUILD, "pullwire-matcher"), "check", path],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
        timeout=120)


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_once_with_what_to_do(tmp_path, what):
    text, line, says = MISTAKES[what]
    path = tmp_path / "pullwire.yml"
    path.write_text(text)
    done = check(str(path))
    faults = done.stderr.splitlines()
    assert done.returncode == 2 and faults[-1] == "1 fault", done
    assert faults[0].startswith(f"{path}:{line}: "), faults[0]
    for part in says:
        assert part in faults[0], faults[0]


@pytest.mark.parametrize("what", OWN)
def test_what_the_start_refuses_is_found_by_its_n(tmp_path, what):
    text, line, says = MISTAKES[what]
    path = tmp_path / "pullwire.yml"
    path.write_text(f"run: {tmp_path}\n" + text)
    for args in (["-n"], []):
        done = subprocess.run(
            [os.path.join(BUILD, f"pullwire-{OWN[what]}"), "-c", str(path),
             *args], capture_output=True, text=True, timeout=120)
        faults = done.stderr.splitlines()
        assert done.returncode == 2 and len(faults) == 2, done
        assert faults[0].startswith(f"{path}:{line + 1}: "), faults
        for part in says:
            assert part in faults[0], faults
        assert "configuration OK" not in done.stdout, done


def test_without_a_mistake_the_rules_are_printed(tmp_path):
    path = tmp_path / "pullwire.yml"
    path.write_text(trigger())
    done = check(str(path))
    assert done.returncode == 0, done
    assert "web: shop/web, every tag: redeploy container web" in done.stdout
    path.write_text(trigger(
        "platforms: [linux/arm64]",
        action="    deploy: {container: web, same_tag_only: true}\n"))
    rules = check(str(path)).stdout.splitlines()
    assert rules[0] == (
        "web: shop/web, every tag: if the image is of `linux/arm64`, "
        "redeploy container web (lane local)"), rules
    assert rules[1] == "    deploy.same_tag_only: true", rules
