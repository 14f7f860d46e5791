"""No spelling, name or change of mind leads to an address that is not public.

Counted by the kernel, not by our log; the public control is always reached.
"""
import ipaddress
import os
import random



from net.conftest import PORT, PUBLIC, PUBLIC6, leaked
from rig.stack import wait_for

ROUNDS = int(os.environ.get("PULLWIRE_REBINDS", "10000"))

V4 = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1
100.100.100.200 100.127.255.255 127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 169.254.169.123
172.16.0.1 172.20.30.40 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 192.168.1.1 192.168.255.255 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.254
255.255.255.255
""".split()
V6 = """
:: ::1 ::2 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::ffff:0:7f00:1
64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 100::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1
fd00:ec2::254 fd20:ce::254 fd12:3456::1 fe80::1 fec0::1 ff02::1 ff0e::1
4000::1 8000::1 e000::1
""".split()


def http(host):
    return f"http://{host}:{PORT}/hook"


def v4_spellings(a):
    b, n = a.split("."), int(ipaddress.IPv4Address(a))
    return {
        "literal": a,
        "decimal": str(n),
        "hex": hex(n),
        "octal": ".".join(f"0{int(x):o}" for x in b),
        "hexes": ".".join(hex(int(x)) for x in b),
        "short": f"{b[0]}.{(n & 0xffffff)}",
        "mapped": f"[::ffff:{a}]",
        "mapped_hex": f"[::ffff:{n >> 16:x}:{n & 0xffff:x}]",
    }


def v6_spellings(a):
    return {"literal": f"[{a}]",
            "exploded": f"[{ipaddress.IPv6Address(a).exploded}]"}


def build(names):
    """(address, form) -> URL; those that lead to the control in `reached`."""
    urls, reached = {}, {}
    for i, a in enumerate(V4 + V6):
        v6 = ":" in a
        kind, other = ("AAAA", "A") if v6 else ("A", "AAAA")
        public = PUBLIC if other == "A" else PUBLIC6
        spellings = v6_spellings(a) if v6 else v4_spellings(a)
        for form, host in spellings.items():
            urls[a, form] = http(host)
        name = f"n{i}.test"
        here = [(kind, a)]
        names.zone[name] = lambda r=here: r
        urls[a, kind] = http(name)
        urls[a, "dot"] = http(name + ".")
        urls[a, "upper"] = http(name.upper())
        names.zone["c" + name] = lambda n=name: [("CNAME", n)]
        urls[a, "cname"] = http("c" + name)
        if not v6:
            names.zone["m" + name] = \
                lambda x=a: [("AAAA", "::ffff:" + x)]
            urls[a, "mapped_aaaa"] = http("m" + name)
        both = [(kind, a), ("A", PUBLIC)] if kind == "A" \
            else [(kind, a), ("A", PUBLIC)]
        names.zone["b" + name] = lambda r=both: r
        reached[a, "mixed"] = http("b" + name)
        reached[a, "redirect"] = f"http://{PUBLIC}:{PORT}/to/" + (
            f"[{a}]" if v6 else a)
    return urls, reached


def triggers_of(urls):
    keys = {f"t{i}": key for i, key in enumerate(urls)}
    return keys, [{"name": name, "repository": "shop/web", "url": urls[key]}
                  for name, key in keys.items()]


def outcomes(stack, keys, seconds=600):
    event = stack.push("shop/web", "v1")
    wait_for("a final row of each trigger",
             lambda: len(stack.finals(event=event)) == len(keys), seconds)
    return {keys[r["trigger"]]: r for r in stack.finals(event=event)}


def start(stacks, triggers, **deployer):
    deployer = {"schedule": ["0"], "allow_private": ["10.9.9.9/32:80"],
                **deployer}
    return stacks(triggers, deployer=deployer).start()


def test_no_form_of_any_address(stacks, names, control):
    names.zone["control.test"] = lambda: [("A", PUBLIC)]
    urls, reached = build(names)
    control.redirect = True
    urls["control", "name"] = http("control.test")
    keys, triggers = triggers_of({**urls, **reached})
    before = leaked()
    rows = outcomes(start(stacks, triggers), keys)
    assert leaked() == before, "something was connected to"
    assert rows.pop(("control", "name"))["status"] == "200"
    wrong = {}
    for key, row in rows.items():
        address, form = key
        want = {"200"} if key in reached else {"blocked_address"}
        if form == "redirect":
            want = {"302"}
        elif form in ("octal", "hexes", "short", "decimal", "hex"):
            want = {"blocked_address", "dns_error"}
        if row["status"] not in want:
            wrong[key] = (row["status"], row["reason"])
    assert not wrong
    named = [r["reason"] for k, r in rows.items() if k not in reached]
    print(len(V4 + V6), "addresses,", len(rows), "triggers,",
          sum("not public" in r for r in named), "refusals that say why")


def test_the_canaries_can_sing(stacks, names):
    """The same triggers with everything allowed do get out: the test above
    would have seen them."""
    urls = {k: v for k, v in build(names)[0].items() if k[1] == "literal"}
    keys, triggers = triggers_of(urls)
    before = leaked()
    outcomes(start(stacks, triggers, allow_private=[
        "0.0.0.0/0:1-65535", "[::/0]:1-65535"]), keys)
    assert leaked() - before > len(urls) / 2


def test_environment_proxies_are_ignored(stacks, names, control):
    stack = stacks([{"name": "t", "repository": "shop/web",
                     "url": http(PUBLIC)}], deployer={"schedule": ["0"]})
    stack.environment = {name: f"http://10.1.2.3:{PORT}" for name in (
        "http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")}
    stack.start()
    before = leaked()
    assert stack.wait_final(stack.push("shop/web", "v1"))["status"] == "200"
    assert leaked() == before


def test_rebinding(stacks, names, control):
    """A name that changes its mind at each question, TTL 0."""
    choices = [[("A", PUBLIC)], [("A", "10.0.0.1")], [("A", "127.0.0.1")],
               [("A", "169.254.169.254"), ("A", PUBLIC)],
               [("A", PUBLIC), ("A", "192.168.1.1"), ("AAAA", "::1")]]
    n = 50
    for i in range(n):
        names.zone[f"r{i}.test"] = lambda: random.choice(choices)
    _, triggers = triggers_of({i: http(f"r{i}.test") for i in range(n)})
    stack = start(stacks, triggers)
    before = leaked()
    events = [stack.push("shop/web", f"v{i}") for i in range(ROUNDS // n)]
    count = {}

    def done():
        count.clear()
        for status in ("200", "blocked_address"):
            count[status] = len(stack.rows(status=status))
        return sum(count.values()) == n * len(events)

    wait_for(f"{ROUNDS} rows", done, 60 + ROUNDS / 20)
    assert leaked() == before
    assert len(control.requests) == count["200"]
    assert count["200"] > ROUNDS / 4 and count["blocked_address"] > ROUNDS / 5
    print(count)
