"""The page in Chromium: what was pushed stays text, whatever it is."""
import re
import time

from page import hostile
from page.hostile import cut, hostile_row
from page.puppet import Puppet
from page.visit import base, wait_live
from rig.stack import wait_for

CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f"
                      "\u2028-\u202e\u2060-\u206f\ufeff]")
HARMLESS = """
    const own = /^(SECTION|DIV|SPAN|A|LI|OL|UL|P|H[123]|TIME|CODE|PRE|DL|DT|DD|B|I|STRONG|ARTICLE|HEADER|DETAILS|SUMMARY|BUTTON|INPUT|LABEL|FORM|DATALIST|OPTION|FIGURE|FIGCAPTION|svg|rect|path|polyline|title)$/;
    const main = document.getElementById('main'), bad = [];
    for (const e of main.querySelectorAll('*')) {
        for (const kind of ['mouseover', 'focus', 'error', 'load', 'toggle'])
            e.dispatchEvent(new Event(kind));
        if (!own.test(e.nodeName))
            bad.push(e.nodeName);
        for (const a of e.attributes) {
            if (/^on/i.test(a.name) || a.name === 'style')
                bad.push(e.nodeName + ' ' + a.name);
            if (/^(href|src|action|formaction)$/.test(a.name) &&
                !/^\\/(\\?|$)/.test(a.value))
                bad.push(a.name + '=' + a.value);
        }
    }
    if (window.pwned !== undefined || ({}).pwned !== undefined)
        bad.push('it ran');
    if (document.scripts.length !== 1 || document.title !== 'Pullwire')
        bad.push('the page is another');
    return bad;"""


def check_harmless(browser, shown):
    """Nothing ran, nothing is there that is not ours, and it is readable."""
    assert browser.run(HARMLESS) == []
    text = browser.run("return document.getElementById('main').textContent")
    assert shown in text
    assert not CONTROLS.search(text), CONTROLS.search(text)
    assert "pwned" not in browser.run("return document.cookie")


def test_200_hostile_strings_in_every_field(stacks, browser):
    strings = hostile.strings()
    assert len(set(strings)) == 200
    stack = stacks([]).start("logger")
    shown = "<script>window.pwned=1</script>"
    puppet = Puppet(stack)
    browser.go(base(stack))
    wait_live(browser)
    browser.run("document.addEventListener('securitypolicyviolation', "
                "(e) => { window.pwned = e.blockedURI; });")
    # As rows that come over the stream, each with an event of its own.
    for n, text in enumerate(strings):
        puppet.row(**hostile_row(n, text, event=cut(f"{n:03}{text}", 36)))
    wait_for("all came", lambda: browser.count("a.row") == 200)
    check_harmless(browser, shown)
    # As rows that were there before.
    for n, text in enumerate(strings):
        puppet.row(**hostile_row(1000 + n, text, event="one",
                                 trigger=cut(f"{n}{text}", 64)))
    wait_for("all are stored", lambda: puppet.acked == 400)
    browser.go(base(stack))
    for pages in range(2, 9):
        # The stream's begin may be faster than the first page.
        wait_for("they are shown", lambda: browser.count("a.row") ==
                 50 * (pages - 1) and browser.shown(".more"))
        browser.run("document.querySelector('.more').click()")
    wait_for("all are shown", lambda: browser.count("a.row") == 400)
    check_harmless(browser, shown)
    # One event with all of them; some events that are hostile by name.
    browser.go(base(stack) + "/?event=one")
    wait_for("all are shown", lambda: browser.count(".attempt") == 200)
    browser.run("document.querySelectorAll('details').forEach(d => "
                "{ d.open = true; })")
    check_harmless(browser, shown)
    for n in range(0, 200, 20):
        browser.go(base(stack) + "/")
        browser.run("history.pushState(null, '', '/?' + new URLSearchParams("
                    "{event: arguments[0]})); dispatchEvent(new PopState"
                    "Event('popstate'))", cut(f"{n:03}{strings[n]}", 36))
        browser.find(".attempt")
        assert browser.run(HARMLESS) == []
    puppet.close()


def test_200_hostile_strings_from_processes(stacks, browser):
    strings = [cut(s, 250) for s in hostile.strings()]
    stack = stacks([]).start("logger")
    shown = "<script>window.pwned=1</script>"
    puppets = []
    for part in range(4):
        puppet = Puppet(stack, instance=f"{part}{strings[part]}")
        puppet.reasons = strings[part * 50:part * 50 + 50]
        puppet.metrics = {s: 1 for s in puppet.reasons}
        puppets.append(puppet)
    puppets[0].queue.update(waiting=200, jobs=[
        {"job": f"{n}{s}", "state": s, "lane": s, "time": 1, "since": 1,
         "enqueued": 1, "next": 1, "attempt": 1, "approval": True, **{
             k: s for k in ("event", "trigger", "repository", "tag", "digest",
                            "target", "note")}}
        for n, s in enumerate(strings)])
    browser.go(base(stack) + "/?view=processes")
    wait_for("all are shown", lambda: browser.count(".process .error") == 200)
    check_harmless(browser, shown)
    browser.go(base(stack) + "/?view=queue")
    wait_for("all are shown", lambda: browser.count(".job") == 200)
    check_harmless(browser, shown)
    for puppet in puppets:
        puppet.close()


def test_hostile_names_of_triggers(stacks, browser):
    stack = stacks([]).start("logger")
    puppet = Puppet(stack)
    names = sorted({cut(s, 64) for s in hostile.strings()})
    now = int(time.time() * 1000)
    for n, name in enumerate(names):
        puppet.row(**{**hostile_row(n, name, event=f"e{n}"), "time": now - n})
    wait_for("all are stored", lambda: puppet.acked == len(names))
    browser.go(base(stack) + "/?view=triggers")
    wait_for("all are shown", lambda: browser.count(".trigger") ==
             len(names))
    check_harmless(browser, "<script>window.pwned=1</script>")
    puppet.close()
