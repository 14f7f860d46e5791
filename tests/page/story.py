"""A day of a small shop's access log, for the pictures: told by puppets, so
that it looks the same each time but for the hours."""
import hashlib
import json
import math
import random
import time

HOUR = 3600 * 1000


def event_id(ms, n):
    """A version 7 UUID of that time."""
    tail = hashlib.sha256(str(n).encode()).hexdigest()
    head = f"{ms:012x}"
    return f"{head[:8]}-{head[8:]}-7{tail[:3]}-8{tail[3:6]}-{tail[6:18]}"


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Story:
    def __init__(self, puppet, now=None):
        self.puppet = puppet
        self.now = now or int(time.time() * 1000)
        self.n = 0
        self.rows = 0

    def push(self, ago, repository, tag):
        self.n += 1
        at = self.now - ago
        return {"event": event_id(at, self.n), "source": "registry",
                "repository": repository, "tag": tag,
                "digest": digest(repository + tag), "at": at,
                "generation": "8c1f2a9be0d47755"}

    def row(self, push, trigger, status, reason, after=0, final=True, attempt=1,
            **more):
        fields = {k: v for k, v in push.items() if k != "at"}
        number = 0 if status in ("untriggered", "no_trigger") else attempt
        self.puppet.row(
            id=f"{push['event']}/{trigger or ''}/{number}/{status}",
            time=push["at"] + after, status=status, final=final, reason=reason,
            attempt=number, instance="deployer@shop-1",
            **({"trigger": trigger} if trigger else {}), **fields, **more)
        self.rows += 1

    def deployed(self, push, trigger, target, pull=2100, gate=3400,
                 tag_before="release-v1"):
        phases = {"arrival": 4, "wait": 2, "inspect": 11, "pull": pull,
                  "create": 96, "stop": 1240, "start": 310, "gate": gate,
                  "cleanup": 41}
        total = sum(phases.values())
        self.row(push, trigger, "deployed",
                 f"{push['tag']} runs; healthy after {gate / 1000:.1f} s",
                 total, target=target,
                 duration_ms=json.dumps({**phases, "total": total}),
                 from_digest=digest(push["repository"] + tag_before),
                 to_digest=push["digest"])

    def rolled_back(self, push, trigger, target):
        phases = {"arrival": 3, "wait": 2, "inspect": 9, "pull": 1830,
                  "create": 88, "stop": 1120, "start": 290, "gate": 30000,
                  "rollback": 900}
        total = sum(phases.values())
        self.row(push, trigger, "rolled_back", "the new container got "
                 "unhealthy: `GET /health` answered 500 three times; the old "
                 "one runs again", total, target=target,
                 duration_ms=json.dumps({**phases, "total": total}),
                 from_digest=digest("before"), to_digest=push["digest"],
                 response=json.dumps({"exit_code": None, "health": [
                     "500 Internal Server Error"] * 3, "logs": [
                     "starting on :8080",
                     "panic: database schema is 41, this build needs 42"]}))

    def notified(self, push, trigger, host, statuses):
        for i, status in enumerate(statuses):
            last = i == len(statuses) - 1
            took = 84 + 31 * i
            self.row(push, trigger, str(status), f"{host} answered {status}",
                     1000 + 5000 * i, final=last, attempt=i + 1,
                     attempts=10, target="url",
                     url=f"https://{host}/hooks/deploy?secret=***",
                     **({} if last else {"next_attempt":
                                         push["at"] + 6000 + 5000 * i}),
                     duration_ms=json.dumps({"arrival": 3, "wait": 1,
                                             "request": took,
                                             "total": 1000 + 5000 * i}),
                     request=json.dumps({"method": "POST", "url":
                                         f"https://{host}/hooks/deploy",
                                         "headers": {"webhook-id":
                                                     push["event"][:8]}}),
                     response=json.dumps({"status": status, "body":
                                          '{"queued":true}' if last
                                          else "upstream timed out"}))

    def untriggered(self, push, trigger, expression):
        self.row(push, trigger, "untriggered",
                 f"tag `{push['tag']}` does not match `{expression}`", 3)

    def tell(self):
        chance = random.Random(7)
        for hour in range(23, 0, -1):
            for i in range(chance.randrange(1, 7)):
                ago = hour * HOUR + i * 400000 + 60000
                self.ordinary(self.push(ago, chance.choice(
                    ["shop/web", "shop/web", "shop/api", "shop/worker"]),
                    f"release-v{120 - hour * 4 + i}"), chance)
        return self.today()

    def ordinary(self, push, chance):
        name = push["repository"].split("/")[1]
        luck = chance.random()
        if name == "worker":
            self.notified(push, "notify", "hooks.example.com",
                          [200] if luck < .85 else [503, 200])
        elif luck < .12:
            self.rolled_back(push, name, f"compose shop/{name}")
        elif luck < .25:
            self.untriggered({**push, "tag": "pr-" + push["tag"][9:]}, name,
                             "release-v.*")
        else:
            self.deployed(push, name, f"compose shop/{name}",
                          pull=chance.randrange(700, 4000),
                          gate=chance.randrange(900, 6000))

    def today(self):
        """What stands at the top; returns the event to open."""
        minutes = 60000
        self.untriggered(self.push(41 * minutes, "shop/web", "pr-512"), "web",
                         "release-v.*")
        self.row(self.push(33 * minutes, "tools/linter", "latest"), None,
                 "no_trigger", "no trigger names tools/linter")
        self.notified(self.push(26 * minutes, "shop/worker", "release-v40"),
                      "notify", "hooks.example.com", [503, 503, 200])
        self.rolled_back(self.push(19 * minutes, "shop/api", "release-v121"),
                         "api", "compose shop/api")
        self.deployed(self.push(11 * minutes, "shop/api", "release-v122"),
                      "api", "compose shop/api")
        main = self.push(6 * minutes, "shop/web", "release-v123")
        self.row(main, "canary", "untriggered",
                 "tag `release-v123` is none of `canary`", 3)
        self.deployed(main, "web", "compose shop/web", pull=2840, gate=4100)
        self.notified(main, "notify", "hooks.example.com", [502, 200])
        waits = self.push(2 * minutes, "shop/billing", "v2.4.0")
        self.row(waits, "billing", "waiting", "waits for approval: "
                 f"pullwire-deployer queue approve {waits['event']}/billing",
                 5, final=False, target="container billing")
        self.waits = waits
        return main

    @staticmethod
    def metrics(role, seconds):
        """What such a process counts after so long."""
        start = time.time() - 86400 * 3
        common = {"pullwire_resident_memory_bytes": 9.4e6,
                  "pullwire_start_time_seconds": start}
        wave = 40 * seconds + 90 * math.sin(seconds / 4)
        total = int(180000 + wave)
        return {**common, **{
            "ingress": {'pullwire_events_total{source="registry",'
                        'result="accepted"}': total,
                        "pullwire_spool_events": 3, "pullwire_leases": 2},
            "matcher": {"pullwire_evaluated_events_total": total // 2,
                        "pullwire_evaluating_events": 1},
            "deployer": {'pullwire_attempts_total{lane="http",status="200"}':
                         total // 3, 'pullwire_jobs{lane="local"}': 3},
        }[role]}

    def queue(self):
        """What is open now, as a deployer tells it."""
        running = self.push(9000, "shop/worker", "release-v41")
        held = self.push(5 * 60000, "shop/search", "release-v9")

        def job(push, trigger, target, state, note, **more):
            return {"job": f"{push['event']}/{trigger}", "trigger": trigger,
                    "event": push["event"], "repository": push["repository"],
                    "tag": push["tag"], "digest": push["digest"],
                    "target": target, "lane": "local", "state": state,
                    "time": push["at"], "enqueued": push["at"] + 4,
                    "since": push["at"] + 4, "next": 0, "attempt": 0,
                    "approval": False, "paused": state == "held",
                    "note": note, **more}

        jobs = [job(running, "worker", "compose shop/worker", "running",
                    "pulling: 148 of 212 MiB, 7 of 9 layers"),
                job(held, "search", "container search", "held",
                    "held by ann"),
                job(self.waits, "billing", "container billing", "waiting",
                    "waits for approval", approval=True)]
        return {"running": 1, "held": 1, "waiting": 1, "more": False,
                "jobs": jobs}


TRIGGERS = [
    {"name": "web", "repository": "shop/web", "expression": "release-v.*",
     "deploy": {"compose": "shop/web"}},
    {"name": "api", "repository": "shop/api", "expression": "release-v.*",
     "deploy": {"compose": "shop/api"}},
    {"name": "canary", "repository": "shop/web", "tags": ["canary"],
     "deploy": {"container": "canary"}},
    {"name": "billing", "repository": "shop/billing", "approve": True,
     "deploy": {"container": "billing"}},
    {"name": "notify", "repository": "shop/*",
     "url": "https://hooks.example.com/hooks/deploy?secret=s3cret"},
]
ENGINES = {"local": "/nowhere/docker.sock"}
