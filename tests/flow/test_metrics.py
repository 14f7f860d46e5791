"""/metrics of the logger: all processes, by the official checkers; the rules,
the dashboard and the page that say what there is."""
import json
import os
import re
import subprocess

from peer.sink import Sink
from rig.docker import TOP
from rig.stack import BUILD, wait_for

LIST = os.path.join(TOP, "docs/METRICS.md")


def promtool(*args, text=None, cwd=TOP):
    done = subprocess.run(["promtool", *args], input=text, text=True, cwd=cwd,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def documented():
    with open(LIST) as f:
        return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", f.read(), re.M))


def samples(text):
    """{(name, labels as a frozenset): value}"""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)\{(.*)\} (\S+)",
                                           line).groups()
        pairs = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        assert (name, pairs) not in found, line
        found[name, pairs] = float(value)
    return found


def value(text, name, **labels):
    """The sum of the series that have these labels."""
    return sum(v for (n, pairs), v in samples(text).items()
               if n == name and set(labels.items()) <= pairs)


def test_metrics_of_all_processes(stacks):
    sink = Sink()
    stack = stacks([{"name": "notify", "repository": "shop/web",
                     "tags": ["latest"], "url": sink.url("/")}],
                   deployer={"schedule": ["0s", "0s"]}).start()
    try:
        sink.statuses = [500, 200]
        stack.wait_final(stack.push("shop/web", "latest"))
        stack.wait_final(stack.push("shop/secret", "v1"))
        assert stack.post({}, token="wrong").status == 401
        assert stack.post(b"{").status == 400
        text = lambda: stack.get("/metrics").text  # noqa: E731
        for name, labels, want in [
                ("pullwire_ready", {}, 4),
                ("pullwire_build_info", {}, 4),
                ("pullwire_events_total",
                 {"source": "push", "result": "accepted"}, 2),
                ("pullwire_rejected_requests_total",
                 {"source": "push", "code": "401"}, 1),
                ("pullwire_rejected_requests_total", {"code": "400"}, 1),
                ("pullwire_verdicts_total", {"verdict": "matched"}, 1),
                ("pullwire_verdicts_total", {"verdict": "no_trigger"}, 1),
                ("pullwire_attempts_total",
                 {"lane": "http", "status": "500"}, 1),
                ("pullwire_retries_total", {"lane": "http"}, 1),
                ("pullwire_jobs_ended_total",
                 {"lane": "http", "status": "200"}, 1),
                ("pullwire_delivery_seconds_count", {"role": "deployer"}, 2),
                ("pullwire_rows_total", {"trigger": "notify"}, 2),
                ("pullwire_link_peers", {"role": "matcher"}, 3),
                ("pullwire_spool_events", {}, 0)]:
            wait_for(f"{name} {labels} {want}",
                     lambda: value(text(), name, **labels) == want)
        body = text()
        assert value(body, "pullwire_commit_seconds_count", store="spool") > 0
        assert "shop/" not in body, "no repository is a label"
        promtool("check", "metrics", text=body)

        answer = stack.get("/metrics", accept="application/openmetrics-text")
        assert answer.headers["Content-Type"].startswith(
            "application/openmetrics-text")
        from prometheus_client.openmetrics.parser import \
            text_string_to_metric_families
        families = {f.name for f in text_string_to_metric_families(answer.text)}
        assert "pullwire_events" in families

        # What is served is what is documented, family by family.
        kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", body, re.M))
        page = documented()
        assert kinds.items() <= page.items()

        stack.kill("matcher")
        wait_for("the series of a silent process are gone", lambda: not any(
            ("role", "matcher") in p for _, p in samples(text())))
        assert stack.stop("ingress") == 0
        health = stack.run("ingress", "health", PULLWIRE_INSTANCE="ingress")
        assert health.returncode == 1 and "not running" in health.stdout
        with open(stack.path("run/deployer.status")) as f:
            assert json.load(f)["metrics"]["pullwire_ready"] == 1
    finally:
        sink.close()


def test_rules_dashboard_and_page():
    page = documented()
    promtool("check", "rules", "etc/prometheus/alerts.yml")
    promtool("test", "rules", "tests/prometheus/alerts_test.yml")
    with open(os.path.join(TOP, "etc/prometheus/alerts.yml")) as f:
        rules = f.read()
    with open(os.path.join(TOP, "etc/grafana/pullwire.json")) as f:
        board = json.load(f)
    asked = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    assert len(asked) > 20
    for name in re.findall(r"pullwire_\w+", rules + " ".join(asked)):
        assert re.sub(r"_(bucket|count|sum)$", "", name) in page, name
    tested = open(os.path.join(TOP, "tests/prometheus/alerts_test.yml")).read()
    for alert in re.findall(r"- alert: (\w+)", rules):
        assert alert in tested, f"{alert} has no test"
    printed = subprocess.run([os.path.join(BUILD, "pullwire-matcher"),
                              "docs", "metrics"], capture_output=True,
                             text=True, check=True)
    with open(LIST) as f:
        assert f.read() == printed.stdout, "docs/METRICS.md: run `make docs`"


def test_prometheus_has_what_tokens_ask_for(tmp_path):
    """What the page shows is the file, which shows a token."""
    with open(os.path.join(TOP, "etc/prometheus/prometheus.yml")) as f:
        file = f.read()
    with open(os.path.join(TOP, "docs/OPERATING.md")) as f:
        shown = re.search(r"```yaml\n(scrape_configs:.*?)```", f.read(), re.S)
    assert shown.group(1) in file
    token = re.search(r"authorization: \{credentials_file: ([^}]+)\}", file)
    (tmp_path / "token").write_text("pw_x\n")
    config = tmp_path / "prometheus.yml"
    config.write_text(file.replace(token.group(1), str(tmp_path / "token"))
                      .replace("alerts.yml", os.path.join(
                          TOP, "etc/prometheus/alerts.yml")))
    promtool("check", "config", str(config))
