"""The page in Chromium: what a person sees and does."""
import json
import socket
import sqlite3
import time

import pytest

from page.hostile import hostile_row
from page.puppet import Puppet
from page.visit import TOKENS, base, sign_in, tokens, wait_live
from peer.sink import Sink
from rig.stack import Stack, wait_for


@pytest.fixture(scope="module")
def world():
    """All four processes, and a receiver of notifications."""
    sink = Sink()
    stack = Stack([
        {"name": "notify", "repository": "shop/web", "tags": ["v1", "v2"],
         "url": sink.url("/notify")},
        {"name": "idle", "repository": "shop/web", "expression": "never-.*",
         "exclude": "never-2", "semver": "^1", "newer_only": True,
         "min_age": "24h", "window": ["22:00-06:00 UTC"], "url": sink.url("/idle")},
        {"name": "asks", "repository": "shop/api", "approve": True,
         "url": sink.url("/asks")},
    ], logger={"tokens": tokens()})
    stack.start()
    wait_for("all are ready", lambda: stack.get("/readyz").status == 200)
    stack.sink = sink
    # What Stack reads rows by.
    stack.get = lambda path, port=None, plain=stack.get: bearer(stack, path)
    yield stack
    stack.close()
    sink.close()


def bearer(stack, path):
    from rig.stack import http
    return http("GET", base(stack) + path, None,
                {"Authorization": "Bearer " + TOKENS["operator"]})


# ---- the live list ----------------------------------------------------------

def test_a_row_is_there_within_a_second(browser, world):
    sign_in(browser, world)
    browser.find(".steps")
    browser.wait_text(".steps", "/v1/webhooks/push")
    wait_live(browser)
    browser.run("""
        window.seen = {};
        new MutationObserver(() => {
            for (const li of document.querySelectorAll('ol.rows li'))
                window.seen[li.dataset.id] ??= Date.now();
        }).observe(document.body, {childList: true, subtree: true});""")
    took = []
    while len(took) < 2 or min(took) > 1000 and len(took) < 20:
        pushed = time.time() * 1000
        event = world.push("shop/web", ("v1", "v2")[len(took) % 2])
        wanted = f"{event}/notify/1/200"
        seen = wait_for("the row is shown", lambda: browser.run(
            "return window.seen[arguments[0]]", wanted))
        took.append(seen - pushed)
        assert browser.shown(f"li[data-id='{wanted}'].fresh")
    assert min(took) < 1000, took  # the machine may have had other work
    assert not browser.shown(".steps")
    browser.wait_text("ol.rows", "tag `v2` does not match `never-.*`")


def test_filters_are_in_the_address(browser, world):
    sign_in(browser, world)
    event = world.push("shop/web", "v1")
    browser.wait_text("ol.rows", "idle")
    browser.write("input[name=trigger]", "notify")
    wait_for("only those are shown", lambda: browser.count("a.row") and
             set(browser.text(".rows .c-trigger").split()) == {"notify"})
    assert browser.url() == base(world) + "/?trigger=notify"
    browser.write("input[name=status]", "404")
    browser.wait_text(".empty", "No row fits these filters")
    assert browser.url() == base(world) + "/?trigger=notify&status=404"
    # The address is enough; what comes is filtered, too.
    browser.go(base(world) + "/?trigger=idle&status=untriggered")
    wait_for("they are shown", lambda: set(
        browser.text(".rows .c-trigger").split()) == {"idle"})
    wait_live(browser)
    n = browser.count("a.row")
    world.push("shop/web", "v2")
    wait_for("the new one is shown", lambda: browser.count("a.row") == n + 1)
    assert set(browser.text(".rows .c-trigger").split()) == {"idle"}
    browser.click(".filters button")
    wait_for("all are shown", lambda: "notify" in
             browser.text(".rows .c-trigger"))
    assert browser.url() == base(world) + "/"
    assert browser.shown(f"a.row[href='/?event={event}']")


def test_an_event_is_shown_as_its_path(browser, world):
    sign_in(browser, world)
    event = world.push("shop/web", "v1")
    browser.click(f"a.row[href='/?event={event}']")
    assert browser.url() == base(world) + "/?event=" + event
    browser.wait_text(".path", "200")
    nodes = browser.text(".node h2").split("\n")
    assert nodes == ["Ingress", "Matcher", "notify → url"]
    text = browser.text(".path")
    for part in ("push", event, "shop/web:v1", "1 trigger matched",
                 "tag `v1` does not match `never-.*`", "request", "final"):
        assert part in text, part
    browser.click("details:first-of-type summary")
    browser.wait_text("details pre", "webhook-id")
    # Others come to it while it is open, and what is read stays open.
    assert browser.count("details[open]") == 1
    browser.click(".back")
    browser.find("ol.rows")
    browser.write("input[name=trigger]", "notify")
    wait_for("it is filtered", lambda: browser.url().endswith("=notify"))
    browser.click(f"a.row[href='/?event={event}']")
    browser.click(".back")  # to the log as it was filtered
    assert browser.url() == base(world) + "/?trigger=notify"


# ---- what operators do ------------------------------------------------------

def test_redeliver(browser, world):
    event = world.push("shop/web", "v2")
    world.wait_final(event, "notify")
    before = [r for r in world.sink.requests if event in str(r["headers"])]
    sign_in(browser, world, path="/?event=" + event)
    browser.click("[data-order=redeliver]")
    browser.find("#confirm[open]")
    browser.click("#confirm button[value=yes]")
    browser.wait_text("#toasts", "done again")
    browser.wait_text(".path", "Attempt 2")
    after = wait_for("it came again", lambda: [
        r for r in world.sink.requests
        if event in str(r["headers"])][len(before):])
    assert after[0]["headers"]["webhook-id"] == \
        before[0]["headers"]["webhook-id"]
    # Who says no changes nothing.
    browser.click("[data-order=redeliver]")
    browser.click("#confirm button[value=no]")
    assert len([r for r in world.sink.requests
                if event in str(r["headers"])]) == len(before) + 1


def test_approve_in_the_queue(browser, world):
    sign_in(browser, world, path="/?view=queue")
    browser.wait_text(".queue", "Nothing waits and nothing runs")
    event = world.push("shop/api", "v7")
    job = f"li[data-job='{event}/asks']"
    browser.wait_text(job, "waits for approval")
    browser.wait_text("#queue-count", "1")
    browser.click(job + " [data-order=approve]")
    browser.wait_text("#toasts", "is approved")
    wait_for("it is gone from the queue", lambda: not browser.count(job))
    assert world.wait_final(event)["status"] == "200"


def test_hold_release_cancel(browser, world):
    event = world.push("shop/api", "v6")
    sign_in(browser, world, path="/?view=queue")
    job = f"li[data-job='{event}/asks'] "
    browser.click(job + "[data-order=hold]")
    browser.wait_text(job + ".pill", "held")
    browser.click(job + "[data-order=release]")
    browser.wait_text(job + ".pill", "waiting")
    browser.click(job + "[data-order=cancel]")
    browser.click("#confirm button[value=yes]")
    browser.wait_text("#toasts", "is cancelled")
    wait_for("it is gone from the queue", lambda: not browser.count(job))
    assert "operator" in world.wait_final(event)["reason"]


def test_approve_at_the_event(browser, world):
    event = world.push("shop/api", "v8")
    sign_in(browser, world, path="/?event=" + event)
    browser.wait_text(".now", "waiting")
    browser.click("[data-order=approve]")
    browser.wait_text(".path", "final")
    assert world.wait_final(event)["status"] == "200"


def test_each_order_says_what_became_of_it(stacks, browser):
    """Played by a puppet: what is asked of deployers, and who asked."""
    stack = stacks([], logger={"tokens": tokens()}).start("logger")
    puppet = Puppet(stack)
    event = "01890a5d-ac96-774b-bcce-b302099a8057"
    job = {"job": event + "/web", "event": event, "trigger": "web",
           "repository": "shop/web", "tag": "v1", "digest": None,
           "target": "container web", "lane": "local", "state": "waiting",
           "time": 1, "enqueued": 1, "since": 1, "next": 0, "attempt": 1,
           "approval": True, "note": "because"}
    puppet.queue.update(waiting=1, jobs=[job])
    sign_in(browser, stack, path="/?view=queue")
    for verb in ("approve", "retry", "hold"):
        puppet.answers[verb] = (True, f"{verb}: done", None)
        browser.click(f"[data-order={verb}]")
        browser.wait_text("#toasts", f"{verb}: done")
    browser.click("[data-order=cancel]")
    browser.click("#confirm button[value=yes]")
    browser.wait_text("#toasts .bad, #toasts", "no deployer here can cancel")
    puppet.queue["jobs"] = [{**job, "state": "held", "approval": False,
                             "paused": True}]
    browser.find("[data-order=release]")
    asked = [(what, json.loads(args)["job"], who)
             for what, args, who in puppet.orders]
    assert asked == [(v, event + "/web", "operator")
                     for v in ("approve", "retry", "hold", "cancel")]
    puppet.close()
    # The browser tells of the 501 by itself.
    assert all("501" in e["message"] for e in browser.log()
               if e["level"] != "DEBUG")


def test_viewers_have_no_buttons(browser, world):
    event = world.push("shop/api", "v9")
    sign_in(browser, world, "viewer", "/?view=queue")
    browser.wait_text(".queue", "waits for approval")
    assert browser.count("[data-order]") == 0
    browser.go(base(world) + "/?event=" + event)
    browser.wait_text(".now", "waiting")
    assert browser.count("[data-order]") == 0
    # Nor does it help to ask by hand.
    assert browser.run("""
        const x = new XMLHttpRequest();
        x.open('POST', '/v1/jobs/' + arguments[0] + '/asks/approve', false);
        x.setRequestHeader('X-Pullwire', '1');
        x.send();
        return x.status;""", event) == 403
    browser.log()
    browser.click("#sign-out")
    browser.find("#token")
    assert browser.count(".path, ol.rows, .queue *") == 0


def test_without_tokens_the_page_is_for_looking(stacks, browser):
    stack = stacks([]).start("logger", "ingress")
    browser.go(base(stack))
    browser.wait_text("#who", "read only")
    browser.wait_text(".steps", "There is no trigger yet")
    assert not browser.shown("#token")
    browser.go(base(stack) + "/?view=triggers")
    browser.wait_text(".empty", "A trigger is a repository")
    browser.go(base(stack) + "/?view=queue")
    browser.wait_text(".empty", "No deployer is connected")
    browser.go(base(stack) + "/?view=processes")
    browser.wait_text(".processes", "no matcher is connected")
    wait_for("both are shown", lambda: browser.count(".process") == 2)


# ---- how it is used ---------------------------------------------------------

def test_triggers_and_processes(browser, world):
    world.wait_final(world.push("shop/web", "v1"), "notify")
    sign_in(browser, world, path="/?view=triggers")
    browser.wait_text(".trigger[data-name=notify]", "100 %")
    assert browser.count(".trigger") == 3
    assert "tag is v1, v2 → url" in \
        browser.text(".trigger[data-name=notify]").replace("\n", "")
    assert "tag matches never-.*" in browser.text(".trigger[data-name=idle]")
    idle = browser.text(".trigger[data-name=idle]").replace("\n", " ")
    for says in ("not never-2", "version ^1", "newer versions only",
                 "within 22:00-06:00 UTC", "24 h after the push"):
        assert says in idle, idle
    assert "asks for approval" in browser.text(".trigger[data-name=asks]")
    assert browser.count(".trigger[data-name=notify] .bar.good") >= 1
    assert browser.count(".trigger[data-name=notify] .bar.bad") == 0
    browser.keys("4")
    wait_for("all are shown", lambda: browser.count(".process") == 4)
    assert browser.count(".process.ailing") == 0
    browser.wait_text(".process[data-instance=logger]", "rows a second")


def test_a_trigger_of_labels_goes_back(stacks, browser):
    """One that is not in the file, known by its rows: by an operator."""
    stack = stacks([], logger={"tokens": tokens()}).start("logger")
    puppet = Puppet(stack)
    puppet.answers["rollback"] = (True, "lab goes back", None)
    now = int(time.time() * 1000)
    puppet.row(**{**hostile_row(0, "x", event="e0"), "trigger": "lab",
                  "status": "deployed", "target": "container lab",
                  "time": now})
    wait_for("it is stored", lambda: puppet.acked == 1)
    sign_in(browser, stack, path="/?view=triggers")
    browser.wait_text(".trigger[data-name=lab]", "from the labels of")
    browser.click(".trigger[data-name=lab] .actions button")
    browser.wait_text("#confirm", "container lab gets back")
    browser.click("#confirm button[value=yes]")
    browser.wait_text("#toasts", "lab goes back")
    assert [o[0] for o in puppet.orders] == ["rollback"]
    puppet.close()


def test_keys(browser, world):
    world.push("shop/web", "v1")
    sign_in(browser, world)
    browser.find("a.row")
    browser.keys("jjk")
    assert browser.run("return document.activeElement === "
                       "document.querySelector('a.row')")
    browser.keys("\ue007")
    browser.find(".path")
    browser.keys("\ue00c")
    browser.find("ol.rows")
    browser.keys("/")
    assert browser.run("return document.activeElement.name") == "trigger"
    browser.keys("\ue00c")
    browser.keys("3")
    browser.find(".queue")
    browser.keys("?")
    browser.find("#help[open]")


def test_narrow_and_dark(browser, world):
    event = world.push("shop/web", "v1")
    sign_in(browser, world)
    browser.size(360, 740)
    for path in ("/", "/?event=" + event, "/?view=triggers", "/?view=queue",
                 "/?view=processes"):
        browser.go(base(world) + path)
        wait_for("it is drawn", lambda: browser.run(
            "return document.getElementById('main').innerText.length > 40"))
        wide = browser.run("return document.documentElement.scrollWidth")
        assert wide <= 360, (path, wide)
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    light = browser.run(paper)
    browser.dark(True)
    assert browser.run(paper) != light


def test_redeliver_all_that_the_filters_choose(browser, world):
    """After the others: it does their events again."""
    sign_in(browser, world, path="/?trigger=notify&tag=v2")
    browser.find("ol.rows li")
    assert not browser.shown("[data-order='redeliver all']")
    browser.go(base(world) + "/?trigger=notify&status=200&since=1h")
    browser.find("ol.rows li")
    before = len(world.sink.requests)
    browser.click("[data-order='redeliver all']")
    browser.click("#confirm[open] button[value=yes]")
    browser.wait_text("#toasts", "done again")
    wait_for("some came again", lambda: len(world.sink.requests) > before)


def test_it_goes_on_after_the_logger_was_away(stacks, browser):
    stack = stacks([]).start("logger", "ingress", "matcher", "deployer")
    browser.go(base(stack))
    wait_live(browser)
    stack.stop("logger")
    wait_for("it says so", lambda: browser.run(
        "return document.getElementById('live').dataset.state") ==
        "reconnecting")
    event = stack.push("shop/web", "v1")
    stack.start("logger")
    browser.wait_text("ol.rows", "no_trigger".replace("_", " "))
    assert browser.shown(f"a.row[href='/?event={event}']")
    wait_live(browser)
    browser.log()  # what the browser says of the connection that was lost


def live_state(browser):
    return browser.run("return document.getElementById('live').dataset.state")


def test_no_view_is_live_without_the_logger(stacks, browser):
    stack = stacks([]).start("logger")
    browser.go(base(stack) + "/?view=queue")
    wait_live(browser)
    stack.stop("logger")
    wait_for("it says so", lambda: live_state(browser) == "reconnecting")
    stack.start("logger")
    wait_live(browser)
    browser.log()  # what the browser says of the requests that failed


def test_a_wrong_filter_is_told_and_not_followed(stacks, browser):
    stack = stacks([]).start("logger")
    for query, part in (("status=damaged", "`pullwire-logger verify`"),
                        ("status=deploied", "nor one of untriggered"),
                        ("since=yesterday", "neither a time")):
        browser.go(base(stack) + "/?" + query)
        browser.wait_text(".error", part)
        wait_for("it is not tried again",
                 lambda: live_state(browser) == "stopped")
    browser.click(".filters .quiet")
    browser.find(".steps")
    wait_live(browser)
    browser.log()  # what the browser says of the refusals


def test_copying_without_a_clipboard(stacks, browser):
    """Over plain HTTP from elsewhere a page has none: the text is selected."""
    stack = stacks([]).start("logger", "ingress")
    browser.go(base(stack))
    browser.find(".steps .copy")
    browser.run("Object.defineProperty(navigator, 'clipboard', "
                "{value: undefined})")
    browser.click(".steps .copy button")
    browser.wait_text(".steps .copy button", "Ctrl+C")
    assert browser.run("return getSelection().toString()") == \
        browser.text(".steps .copy:first-of-type pre").split("\n")[0]


def test_a_new_user_sees_who_is_not_connected(stacks, browser):
    stack = stacks([]).start("logger")
    browser.go(base(stack))
    browser.wait_text(".steps", "No ingress, no matcher and no deployer is")
    stack.start("ingress", "matcher", "deployer")
    wait_for("all are there", lambda: "is connected" not in
             browser.text(".steps"))


def test_a_stream_that_was_refused_is_asked_for_again(stacks, browser):
    """A proxy's 502 while the logger starts, or too many streams: the browser
    itself gives up then."""
    stack = stacks([]).start("logger", "ingress", "matcher", "deployer")
    event = stack.push("shop/web", "v1")
    stack.wait_final(event)
    others = [socket.create_connection(("127.0.0.1", stack.logger_port))
              for _ in range(64)]
    state = "return document.getElementById('live').dataset.state"
    try:
        for other in others:
            other.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in other.recv(100)
        for path, shown in ("/", "a.row"), ("/?event=" + event, ".node"):
            browser.go(base(stack) + path)
            browser.find(shown)
            wait_for("it says so",
                     lambda: browser.run(state) == "reconnecting")
    finally:
        for other in others:
            other.close()
    stack.wait_final(stack.push("shop/web", "v2"))  # it writes to those
    wait_live(browser)
    browser.log()


def test_a_damaged_row_is_no_truth(stacks, browser):
    stack = stacks([]).start("logger", "ingress", "matcher", "deployer")
    events = [stack.push("shop/web", f"v{i}") for i in range(3)]
    for event in events:
        stack.wait_final(event)
    with sqlite3.connect(stack.path("logger/log.db")) as db:
        db.execute("UPDATE record SET repository = 'shop/evil' WHERE event = ?",
                   (events[1],))
    browser.go(base(stack))
    browser.wait_text("ol.rows", "damaged")
    assert len(browser.run("return [...document.querySelectorAll('a.row .pill')"
                           "].map((p) => p.textContent)")) == 3
    browser.go(base(stack) + "/?event=" + events[1])
    browser.wait_text(".event", "its checksum differs")
    browser.wait_text(".node:nth-child(2)", "1 row is damaged")
    assert "trigger matched" not in browser.text(".node:nth-child(2)")
    wait_for("it is counted once", lambda: "pullwire_rows_damaged_total{role="
             "\"logger\",instance=\"logger\"} 1\n" in
             stack.get("/metrics").text)
    assert events[1] in stack.daemons["logger"].log()


def test_a_tab_that_nobody_sees_gives_its_connection_up(stacks, browser):
    stack = stacks([]).start("logger", "ingress", "matcher", "deployer")
    browser.go(base(stack))
    wait_live(browser)
    see = """const seen = arguments[0];
             Object.defineProperty(document, 'hidden',
             {configurable: true, get: () => !seen});
             document.dispatchEvent(new Event('visibilitychange'));"""
    browser.run(see, False)
    wait_for("it is paused", lambda: browser.run(
        "return document.getElementById('live').dataset.state") == "paused")
    event = stack.push("shop/web", "v1")
    stack.wait_final(event)
    assert browser.count("a.row") == 0
    browser.run(see, True)
    wait_for("the row is there", lambda: browser.count("a.row") == 1)
    wait_live(browser)
