"""make bench-log ROWS=10000000: the access log with many rows in it.

For each store (SQLite, PostgreSQL): the first view of the page and each filter
over HTTP; rows a second through the wire into the store, beside the bulk
insert of the same rows into the same tables by the store's own tool, and again
with 50 readers that ask the most expensive queries without a pause.

Rows are made by SQL, 777 ms apart, without their indexes at first and without
checksums, as rows from before there were any; what the readers ask for comes
from both kinds. It takes
about 1.3 kB of disk a row and store, below the working folder or
BENCH_LOG_DIR; what is there from an earlier run is used again, and KEEP=1
keeps it.
"""
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("PULLWIRE_BUILD", "build"))
DIR = os.path.abspath(os.environ.get("BENCH_LOG_DIR", "build/bench-log"))
ROWS = int(os.environ.get("ROWS", "10000000"))
FEED_ROWS = int(os.environ.get("FEED_ROWS", "100000"))
READERS = 50
FEED = os.path.join(BUILD, "tests/bench/feed")
EPOCH = 1787000000000
STEP = 777

# One row, from its number i; {pad} and the like are what the stores spell
# differently. As tests/bench/feed.c makes them.
ROW = """
SELECT t, event || '/' || trg || '/1/' || st, event, trg, 'registry',
 'shop/app-' || (m % 300), 'v1.' || (m % 5000), {digest}, st, {true},
 'the new container runs and passed its gate', 'container ' || trg, 1, 1, 0,
 '{{"arrival":3,"wait":0,"pull":' || (m % 4000) ||
 ',"stop":12,"start":80,"gate":5000,"total":9000}}',
 CASE WHEN i % 4 = 3 THEN 'https://cs.example.com/hook/trigger?secret=***' END,
 CASE WHEN i % 4 = 3 THEN '{{"method":"POST","headers":{{"Content-Type":' ||
 '"application/json","webhook-id":"' || i || '"}},"body":"{{}}"}}' END,
 CASE WHEN i % 4 = 3 THEN '{{"status":200,"body":"{{}}"}}' END,
 {digest}, {digest}, 'deployer@bench'{bytes}
FROM (SELECT i, m, t, {event} AS event,
  'app-' || (m % 97 % (m % 13 + 1)) AS trg,
  CASE WHEN i % 2000 = 999 THEN 'failed' WHEN i % 2000 = 1999 THEN 'rolled_back'
  WHEN i % 8 IN (0, 4) THEN 'deployed' WHEN i % 8 IN (1, 5) THEN 'untriggered'
  WHEN i % 8 = 2 THEN 'unchanged' WHEN i % 8 = 6 THEN 'superseded'
  ELSE '200' END AS st
 FROM (SELECT i, (i * 2654435761) & 4294967295 AS m, {epoch} + i * {step} AS t
  FROM {series}) AS a) AS b"""
COLUMNS = ('time, id, event, "trigger", source, repository, tag, digest, '
           "status, final, reason, target, attempt, attempts, next_attempt, "
           "duration_ms, url, request, response, from_digest, to_digest, "
           "instance")


def run(*args, text=None, **more):
    done = subprocess.run(args, input=text, text=True, capture_output=True,
                          **more)
    if done.returncode:
        sys.exit(f"{args[0]}: {done.stderr or done.stdout}")
    return done.stdout


def free_port():
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Logger:
    def __init__(self, name, store):
        self.port = free_port()
        self.link = f"ipc://{DIR}/{name}.link"
        config = f"{DIR}/{name}.yml"
        with open(config, "w") as f:
            f.write(f"run: {DIR}/run\ntriggers: []\nlogger: {{http: "
                    f"'127.0.0.1:{self.port}', link: '{self.link}', store: "
                    f"'{store}', format: json, retain: 3650d, retain_size: "
                    "1000GiB}\n")
        self.process = subprocess.Popen(
            [f"{BUILD}/pullwire-logger", "-c", config],
            stdout=subprocess.DEVNULL, stderr=open(f"{DIR}/{name}.err", "w"))
        for _ in range(600):
            try:
                self.get("/healthz")
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"the logger did not start: {DIR}/{name}.err")

    def get(self, path, connection=None):
        c = connection or http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60)
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        if connection is None:
            c.close()
        return answer.status, body

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


# ---- the stores ---------------------------------------------------------------

class SQLite:
    name = "SQLite"
    tool = "sqlite3 .import"

    def __init__(self):
        self.path = f"{DIR}/log.db"
        self.store = "sqlite:" + self.path

    def count(self):
        return int(run("sqlite3", self.path,
                       "SELECT coalesce(max(seq), 0) FROM record"))

    def fill(self):
        indexes = run("sqlite3", self.path, "SELECT sql || ';' FROM "
                      "sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        drops = re.findall(r"INDEX (\w+)", indexes)
        rows = ROW.format(
            digest="printf('sha256:%064x', m)", true=1, bytes="", epoch=EPOCH,
            step=STEP, series=f"(SELECT value AS i FROM generate_series(0, "
            f"{ROWS} - 1))", event="printf('%08x-%04x-7%03x-8%03x-%012x', "
            "t >> 16, t & 65535, m & 4095, (m >> 20) & 4095, i)")
        run("sqlite3", self.path, text="PRAGMA synchronous=OFF;"
            "PRAGMA cache_size=-1000000;"
            + "".join(f"DROP INDEX {d};" for d in drops)
            + f"BEGIN; INSERT INTO record ({COLUMNS}) {rows}; COMMIT;"
            + "UPDATE record_sums SET since = (SELECT max(seq) + 1 FROM "
            "record);" + indexes + "PRAGMA wal_checkpoint(TRUNCATE);")

    def empty(self):
        """A store without rows, made by the logger; its URL."""
        for end in "", "-wal", "-shm", ".lock":
            if os.path.exists(f"{DIR}/empty.db{end}"):
                os.unlink(f"{DIR}/empty.db{end}")
        return f"sqlite:{DIR}/empty.db"

    def bulk(self, csv):
        """Seconds of the store's own tool for the same rows, from empty."""
        names = run("sqlite3", f"{DIR}/empty.db", "SELECT group_concat('\"' "
                    "|| name || '\"') FROM pragma_table_info('record') WHERE "
                    "name NOT IN ('seq', 'checksum')").strip()
        values = re.sub(r'"(\w+)"', r'new."\1"', names)
        run("sqlite3", f"{DIR}/empty.db", "DELETE FROM record; CREATE VIEW "
            f"rows_in AS SELECT {names} FROM record; CREATE TRIGGER t INSTEAD "
            f"OF INSERT ON rows_in BEGIN INSERT INTO record ({names}) VALUES "
            f"({values}); END; PRAGMA wal_checkpoint(TRUNCATE);")
        start = time.monotonic()
        run("sqlite3", f"{DIR}/empty.db", ".mode csv",
            f".import {csv} rows_in")
        return time.monotonic() - start

    def clean(self):
        self.empty()


class PostgreSQL:
    name = "PostgreSQL"
    tool = "COPY"

    def __init__(self):
        rig = os.path.join(TOP, "tests/rig/postgresql.sh")
        self.env = {**os.environ, "PULLWIRE_RIG": DIR}
        self.rig = lambda c: run(rig, c, "bench", env=self.env)
        self.server = self.rig("up").strip().partition("=")[2]
        self.store = self.database("big")

    def sql(self, sql, database="big"):
        return run("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d",
                   self.server.replace("/postgres", "/" + database), text=sql)

    def database(self, name, anew=False):
        if anew:
            self.sql(f"DROP DATABASE IF EXISTS {name}", "postgres")
        if not self.sql("SELECT 1 FROM pg_database WHERE datname = "
                        f"'{name}'", "postgres"):
            self.sql(f"CREATE DATABASE {name}", "postgres")
        return self.server.replace("/postgres", "/" + name)

    def count(self):
        return int(self.sql("SELECT coalesce(max(seq), 0) FROM "
                            "pullwire_record"))

    def fill(self):
        indexes = self.sql("SELECT indexdef || ';' FROM pg_indexes WHERE "
                           "tablename = 'pullwire_record' AND indexname NOT "
                           "LIKE '%pkey'")
        drops = re.findall(r"INDEX (\w+)", indexes)
        hexed = lambda what, n: f"lpad(to_hex({what}), {n}, '0')"  # noqa: E731
        event = "||'-'||".join([
            hexed("t >> 16", 8), hexed("t & 65535", 4),
            "'7' || " + hexed("m & 4095", 3),
            "'8' || " + hexed("(m >> 20) & 4095", 3), hexed("i", 12)])
        rows = ROW.format(digest="'sha256:' || " + hexed("m", 64), true="true",
                          bytes=", 900", epoch=EPOCH, step=STEP, event=event,
                          series=f"generate_series(0::bigint, {ROWS} - 1) "
                          "AS g(i)")
        self.sql("SET maintenance_work_mem = '1GB';"
                 "SET synchronous_commit = off;"
                 + "".join(f"DROP INDEX {d};" for d in drops)
                 + f"INSERT INTO pullwire_record ({COLUMNS}, bytes) {rows};"
                 "UPDATE pullwire_record_sums SET since = (SELECT max(seq) + 1 "
                 "FROM pullwire_record);"
                 + indexes + "VACUUM ANALYZE pullwire_record;")

    def empty(self):
        return self.database("empty", anew=True)

    def bulk(self, csv):
        names = self.sql("SELECT string_agg(quote_ident(column_name), ', ' "
                         "ORDER BY ordinal_position) FROM "
                         "information_schema.columns WHERE table_name = "
                         "'pullwire_record' AND column_name NOT IN "
                         "('seq', 'bytes', 'checksum')", "empty").strip()
        self.sql("ALTER TABLE pullwire_record ALTER bytes SET DEFAULT 900;"
                 "TRUNCATE pullwire_record; CHECKPOINT", "empty")
        start = time.monotonic()
        self.sql(f"\\copy pullwire_record ({names}) FROM '{csv}' WITH (FORMAT "
                 "csv)", "empty")
        return time.monotonic() - start

    def clean(self):
        if not os.environ.get("KEEP"):
            self.rig("clean")


# ---- measuring ------------------------------------------------------------------

def queries(count):
    """What the page asks: its first view, each filter, filters together."""
    pick = random.Random(7)
    end = EPOCH + ROWS * STEP

    def at(ms):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))

    def event():
        i = pick.randrange(ROWS)
        t, m = EPOCH + i * STEP, (i * 2654435761) & 4294967295
        return (f"{t >> 16:08x}-{t & 65535:04x}-7{m & 4095:03x}-"
                f"8{(m >> 20) & 4095:03x}-{i:012x}")

    trigger = lambda: f"app-{pick.randrange(13)}"  # noqa: E731
    makers = {
        "first view": lambda: "",
        "a later page": lambda: "after=" + str(EPOCH + pick.randrange(ROWS)
                                               * STEP) + "_1",
        "trigger": lambda: "trigger=" + trigger(),
        "repository": lambda: f"repository=shop/app-{pick.randrange(300)}",
        "tag": lambda: f"tag=v1.{pick.randrange(5000)}",
        "status": lambda: "status=" + pick.choice(
            ["deployed", "untriggered", "200", "failed", "rolled_back"]),
        "a status that never was": lambda: "status=tls_error",
        "event": lambda: "event=" + event(),
        "since, until": lambda: (lambda s: f"since={at(s)}&until="
                                 f"{at(s + 3600000)}")(
            pick.randrange(EPOCH, end)),
        "trigger, status": lambda: f"trigger={trigger()}&status="
        + pick.choice(["failed", "deployed", "tls_error"]),
        "trigger, repository, since": lambda: f"trigger={trigger()}&repository"
        f"=shop/app-{pick.randrange(300)}&since={at(end - 86400000)}",
    }
    return {name: [make() for _ in range(count)]
            for name, make in makers.items()}


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def measure_views(logger, count=100):
    c = http.client.HTTPConnection("127.0.0.1", logger.port, timeout=60)
    print(f"{'':30} {'p50, ms':>9} {'p95, ms':>9} {'rows':>6}")
    worst = 0
    for name, asked in queries(count).items():
        took, rows = [], 0
        for q in asked:
            start = time.perf_counter()
            status, body = logger.get("/v1/records?limit=50&" + q, c)
            took.append((time.perf_counter() - start) * 1000)
            assert status == 200, (q, body)
            rows += body.count(b'"id":"')
        worst = max(worst, percentile(took, 95))
        print(f"{name:30} {percentile(took, 50):9.1f} "
              f"{percentile(took, 95):9.1f} {rows / count:6.1f}")
    return worst


HEAVY = ["/v1/records?limit=500&until=2026-10-01T00:00:00Z&status=untriggered",
         "/v1/records?limit=500&trigger=app-0&repository=shop/app-7&tag=v1.1",
         "/v1/records?limit=500&repository=shop/app-7&status=tls_error",
         "/v1/records?limit=500&tag=v1.9&trigger=app-3"]


class Readers:
    """50 connections that ask without a pause, until stopped. wrk, and nice:
    what those who ask need of this machine is not measured."""

    def __init__(self, logger):
        script = f"{DIR}/heavy.lua"
        with open(script, "w") as f:
            f.write("local p = {" + ",".join(f'"{h}"' for h in HEAVY)
                    + "}\nlocal i = 0\nrequest = function()\n  i = i + 1\n"
                    '  return wrk.format("GET", p[i % #p + 1])\nend\n')
        self.out = open(f"{DIR}/wrk.out", "w+")
        self.process = subprocess.Popen(
            ["nice", "-n", "19", "wrk", "-t1", f"-c{READERS}", "-d1000s",
             "--timeout", "30s", "-s", script,
             f"http://127.0.0.1:{logger.port}"], stdout=self.out)
        time.sleep(0.5)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.out.seek(0)
        answers = re.search(r"(\d+) requests in", self.out.read())
        return int(answers.group(1)) if answers else 0


def feed(logger, start, rows=FEED_ROWS):
    return float(run(FEED, logger.link, str(start), str(rows)))


def measure_readers(logger, start, rounds=5):
    """Ingest with and without readers, in turns: the medians' ratio, and those
    of the turns. start: the number of a row that is not there yet."""
    alone, beside, answers = [], [], 0
    for _ in range(rounds):
        alone.append(feed(logger, start))
        readers = Readers(logger)
        beside.append(feed(logger, start + FEED_ROWS))
        answers += readers.stop()
        start += 2 * FEED_ROWS
    ratios = [a / b for a, b in zip(alone, beside)]
    a, b = percentile(alone, 50), percentile(beside, 50)
    print(f"ingest, alone {FEED_ROWS / a:.0f} rows/s, beside {READERS} readers "
          f"{FEED_ROWS / b:.0f} rows/s, ratio {a / b:.2f} (turns: "
          f"{percentile(ratios, 50):.2f}, {min(ratios):.2f} to {max(ratios):.2f}; "
          f"{answers / sum(beside):.0f} answers/s)")


def measure_bulk(kind, rounds=3):
    csv = f"{DIR}/rows.csv"
    with open(csv, "w") as f:
        subprocess.run([FEED, "csv", "0", str(FEED_ROWS)], stdout=f, check=True)
    wire, bulk = [], []
    for _ in range(rounds):
        logger = Logger("empty", kind.empty())
        wire.append(feed(logger, 0))
        logger.stop()
        bulk.append(kind.bulk(csv))
    w, b = percentile(wire, 50), percentile(bulk, 50)
    print(f"into an empty store: through the wire {FEED_ROWS / w:.0f} rows/s, "
          f"{kind.tool} {FEED_ROWS / b:.0f} rows/s, ratio {b / w:.2f}")
    os.unlink(csv)


def timed(what, part, *args):
    start = time.monotonic()
    part(*args)
    print(f"-- {what}: {time.monotonic() - start:.0f} s, load "
          f"{os.getloadavg()[0]:.1f}", flush=True)


def bench(kind):
    print(f"\n== {kind.name}, {ROWS} rows")
    logger = Logger("big", kind.store)
    if kind.count() < ROWS:
        logger.stop()
        timed("rows made", kind.fill)
        logger = Logger("big", kind.store)
    timed("views", measure_views, logger)
    timed("readers", measure_readers, logger, 10 * ROWS + kind.count())
    logger.stop()
    timed("bulk", measure_bulk, kind)
    kind.clean()


def main():
    os.makedirs(DIR, exist_ok=True)
    wanted = os.environ.get("STORES", "sqlite postgresql").split()
    try:
        for name, kind in ("sqlite", SQLite), ("postgresql", PostgreSQL):
            if name in wanted:
                bench(kind())
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(DIR, ignore_errors=True)


if __name__ == "__main__":
    main()
