"""docs/openapi.yaml beside the running server: the same routes, roles and
parameters, and answers that fit their schemas, field by field."""
import hashlib
import json
import os
import re
import urllib.parse

import jsonschema
import pytest
import yaml

from page.puppet import Puppet
from page.story import ENGINES, TRIGGERS, Story
from rig.docker import TOP
from rig.stack import http, wait_for

with open(os.path.join(TOP, "docs/openapi.yaml"), encoding="utf-8") as f:
    API = yaml.safe_load(f)
TOKENS = {"operator": "the-operators", "viewer": "the-viewers"}
METHODS = ("get", "post", "delete")


def resolve(node):
    while "$ref" in node:
        at = API
        for part in node["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        node = at
    return node


def operations():
    return [(method.upper(), path, path_item[method])
            for path, path_item in API["paths"].items()
            for method in METHODS if method in path_item]


def parameters(operation, where):
    return [p for p in map(resolve, operation.get("parameters", []))
            if p["in"] == where]


def filled(path, operation, **values):
    for p in parameters(operation, "path"):
        value = values.get(p["name"], p.get("example"))
        path = path.replace("{%s}" % p["name"], urllib.parse.quote(value))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from rig.stack import Stack
    stack = Stack(TRIGGERS, ENGINES, logger={"tokens": [
        {"name": role, "role": role,
         "sha256": hashlib.sha256(token.encode()).hexdigest()}
        for role, token in TOKENS.items()]})
    stack.start("logger")
    puppet = Puppet(stack, "deployer", "deployer@py", ["local"])
    story = Story(puppet)
    story.event = story.tell()["event"]
    puppet.queue = story.queue()
    puppet.metrics = story.metrics("deployer", 1)
    wait_for("the rows are stored", lambda: puppet.acked >= story.rows)
    stack.story, stack.puppet = story, puppet
    yield stack
    puppet.close()
    stack.close()


def ask(stack, method, path, role=None, body=None, headers=None):
    head = dict(headers or {})
    if role:
        head["Authorization"] = "Bearer " + TOKENS[role]
    return http(method, f"http://127.0.0.1:{stack.logger_port}{path}",
                json.dumps(body).encode() if body is not None else None, head)


def check(operation, answer):
    """The answer is described, and is as described."""
    described = operation["responses"].get(str(answer.status))
    assert described, (answer.status, answer.text)
    content = resolve(described)["content"]
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in content, (kind, list(content))
    if kind != "application/json":
        return None
    schema = {**content[kind]["schema"], "components": API["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    return answer.json()


def test_is_openapi():
    """By the OpenAPI Initiative's own schema of version 3.1."""
    with open(os.path.join(TOP, "tests/vectors/openapi-3.1.json"),
              encoding="utf-8") as official:
        jsonschema.Draft202012Validator(json.load(official)).validate(API)
    for _, path, operation in operations():
        assert operation["summary"], path
        names = {p["name"] for p in parameters(operation, "path")}
        assert names == set(re.findall(r"{(\w+)}", path)), path
        assert operation["responses"], path
    for schema in API["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_same_routes_and_roles():
    """The table of api.c, route for route."""
    with open(os.path.join(TOP, "logger/api.c"), encoding="utf-8") as source:
        rows = re.findall(r'{"([A-Z]+)", "([^"]+)", (NULL|"[^"]*"), '
                          r'AUTH_([A-Z]+),', source.read())
    assert len(rows) > 15
    served = {(method, prefix if suffix == "NULL"
               else prefix + "*" + suffix.strip('"'), role.lower())
              for method, prefix, suffix, role in rows}
    described = {(method, re.sub(r"{\w+}", "*", path), operation["x-role"])
                 for method, path, operation in operations()}
    assert served == described


@pytest.mark.parametrize("method,path,operation", operations(),
                         ids=lambda v: v if isinstance(v, str) else "")
def test_answers(server, method, path, operation):
    if path == "/v1/stream":
        return  # below
    event = server.story.event
    target = filled(path, operation, event=event, job=f"{event}/web",
                    id=f"{event}/web/1/deployed")
    role = operation["x-role"]
    own = {"X-Pullwire": "1"} if path == "/v1/session" else {}
    body = {"token": TOKENS["viewer"]} if path == "/v1/session" and \
        method == "POST" else {} if method == "POST" else None
    server.puppet.answers = {w: (True, "done", None) for w in (
        "redeliver", "approve", "hold", "release", "cancel", "retry",
        "rollback")}
    answer = ask(server, method, target, role if role != "nobody" else None,
                 body, own)
    assert answer.status == 200, answer.text
    check(operation, answer)
    if role == "nobody":
        return
    check(operation, ask(server, method, target, None, body))
    if role == "operator":
        assert ask(server, method, target, "viewer", body).status == 403
        for code, status in (("unknown", 501), ("malformed", 400),
                             ("absent", 404), ("refused", 409),
                             ("failed", 503)):
            verb = path.rsplit("/", 1)[1]
            server.puppet.answers[verb] = (False, "no", code)
            answer = ask(server, method, target, "operator", body)
            assert answer.status == status
            check(operation, answer)


@pytest.mark.parametrize("method,path,operation", [
    o for o in operations() if parameters(o[2], "query")
    and o[1] != "/v1/stream"], ids=lambda v: v if isinstance(v, str) else "")
def test_parameters(server, method, path, operation):
    """Each that is described is taken, others are not, and limits hold."""
    target = filled(path, operation) + "?"
    for p in parameters(operation, "query"):
        query = urllib.parse.urlencode({p["name"]: p["example"]})
        answer = ask(server, method, target + query, "viewer")
        assert answer.status == 200, (p["name"], answer.text)
        check(operation, answer)
        for bad in (p["schema"].get("minimum", 1) - 1,
                    p["schema"].get("maximum", 0) + 1):
            if p["schema"]["type"] == "integer":
                answer = ask(server, method,
                             f"{target}{p['name']}={bad}", "viewer")
                assert answer.status == 400, (p["name"], bad)
                check(operation, answer)
    answer = ask(server, method, target + "colour=red", "viewer")
    assert answer.status == 400
    names = answer.json()["error"].partition("no parameter: ")[2].split(", ")
    assert set(names) == {p["name"] for p in parameters(operation, "query")}


def test_every_field_of_a_row_is_seen(server):
    """Described rows, and rows that have each field."""
    rows = ask(server, "GET", "/v1/records?limit=500", "viewer") \
        .json()["records"]
    schema = API["components"]["schemas"]["Record"]
    assert set(schema["required"]) == set(schema["properties"])
    for name in schema["properties"]:
        assert any(r[name] not in (None, "", 0) for r in rows), name


def test_pages(server):
    seen, after = [], ""
    while after is not None:
        page = ask(server, "GET", "/v1/records?limit=20" + (
            "&after=" + after if after else ""), "viewer").json()
        seen += [r["id"] for r in page["records"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == server.story.rows


def test_stream(server):
    """Each parameter; the data of an event is a row as described."""
    import http.client
    operation = API["paths"]["/v1/stream"]["get"]
    schema = {"$ref": "#/components/schemas/Record",
              "components": API["components"]}
    for p in parameters(operation, "query") + [None]:
        query = urllib.parse.urlencode(
            {p["name"]: p["example"]}) if p else "last=1"
        conn = http.client.HTTPConnection("127.0.0.1", server.logger_port,
                                          timeout=60)
        conn.request("GET", "/v1/stream?" + query, headers={
            "Authorization": "Bearer " + TOKENS["viewer"]})
        answer = conn.getresponse()
        assert answer.status == 200, (query, answer.read())
        assert answer.headers["Content-Type"] == "text/event-stream"
        seen = []
        while len(seen) < (4 if p is None else 1):
            line = answer.readline().decode()
            if line.startswith("data: ") and line != "data: {}\n":
                jsonschema.Draft202012Validator(schema).validate(
                    json.loads(line[6:]))
            if line.startswith("event: "):
                seen.append(line[7:].strip())
        assert seen[0] in ("hello", "reset")
        assert set(seen[1:]) <= {"row"}
        conn.close()
