"""Asks the platform and DuckDB the same questions about the same rows, and compares the answers bit by bit.

Rows go to the platform in batches that are late and out of order, while questions are asked, so that answers come from
memory, from files, and from both. Numbers are multiples of 1/4: their sums are exact in any order.
"""

import json
import math
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import date, datetime, timedelta

import duckdb

BACKEND = os.environ["BACKEND"]
PROJECT = int(os.environ["PROJECT_ID"])
TOKEN = os.environ["PROJECT_TOKEN"]
SEED = int(os.environ["SEED"])
QUESTIONS = int(os.environ["QUESTIONS"])
SECONDS = float(os.environ.get("SECONDS_AT_MOST", "inf"))

START = 1_714_521_600_000_000  # 2024-05-01, in microseconds
DEVICES = ["alpha", "Alpha", "beta-2", "d:3", "z_9"]
TEXTS = ["", "a", "A", "aa", "ok", "it's", "50%", "ä", "中", "a_b"]
NUMBERS = ["a", "b"]
COLUMNS = ["time", "device_id", "a", "b", "ok", "note"]

chance = random.Random(SEED)
duck = duckdb.connect()
duck.execute("CREATE TABLE input (time TIMESTAMP, device_id TEXT, a DOUBLE, b DOUBLE, ok BOOLEAN, note TEXT)")


def call(path, body=None):
    """The reply as JSON."""
    request = urllib.request.Request(BACKEND + path, method="GET" if body is None else "POST")
    request.add_header("Authorization", "Bearer " + TOKEN)
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=120) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path} {body}: {error.code} {error.read().decode()}") from error


def micros(moment):
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def plain(cell):
    """A cell as both sides write it: times in microseconds, numbers as floats, -0.0 kept."""
    if isinstance(cell, datetime):
        return micros(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bool) or cell is None or isinstance(cell, str):
        return cell
    number = float(cell)
    assert math.isfinite(number), cell
    return ("-0.0" if math.copysign(1, number) < 0 else 0.0) if number == 0 else number


def rows_of(table):
    return [tuple(plain(cell) for cell in row) for row in table]


def ask_duck(sql):
    return rows_of(duck.execute(sql).fetchall())


# ---- rows


def number():
    return None if chance.random() < 0.2 else chance.choice([0.0, chance.randint(-8, 8) / 4, chance.randint(-40_000, 40_000) / 4])


def row(newest):
    late = chance.choice([0, 0, chance.randint(0, 600), chance.randint(0, 86_400)])
    moment = newest - late * 1_000_000 + chance.choice([0, 0, chance.randint(-999, 999)])
    return [
        moment,
        number(),
        number(),
        chance.choice([True, False, None]),
        chance.choice([None, *TEXTS]),
    ]


def send(newest, count):
    device = chance.choice(DEVICES)
    rows = [row(newest + at * 1_000_000) for at in range(count)]
    # A row of nothing but a time holds no reading.
    rows = [row for row in rows if any(cell is not None for cell in row[1:])]
    if not rows:
        return
    body = {
        "project_id": PROJECT,
        "device_id": device,
        "timefmt": "usec",
        "sources": {"fields": ["time", "a", "b", "ok", "note"], "data": rows},
    }
    reply = call("/v1/imports?fmt=table", body)
    assert reply["stored"] == len(rows) and not reply.get("repeat"), reply
    duck.executemany(
        "INSERT INTO input VALUES (make_timestamp(?), ?, ?, ?, ?, ?)",
        [[row[0], device, *row[1:]] for row in rows],
    )


# ---- SQL


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def moment():
    at = START + chance.randint(-90_000, 30_000) * 1_000_000
    text = (datetime(1970, 1, 1) + timedelta(microseconds=at)).isoformat(sep=" ", timespec="microseconds")
    return f"TIMESTAMP '{text}'"


def compare():
    return chance.choice(["=", "<>", "<", "<=", ">", ">="])


def condition(depth=0):
    kinds = [
        lambda: f"{chance.choice(NUMBERS)} {compare()} {chance.randint(-8, 8) / 4}",
        # Not `a = b`: with both in the order, and nulls at different ends, the engine refuses its own plan (a 400).
        lambda: f"a {chance.choice(['<>', '<', '<=', '>', '>='])} b",
        lambda: f"time {chance.choice(['<', '<=', '>', '>='])} {moment()}",
        lambda: f"device_id {compare()} {literal(chance.choice(DEVICES))}",
        lambda: f"device_id IN ({', '.join(literal(d) for d in chance.sample(DEVICES, 2))})",
        lambda: f"note {compare()} {literal(chance.choice(TEXTS))}",
        lambda: f"note LIKE {literal(chance.choice(['a%', '%a', '%', 'a_b', '_']))}",
        lambda: f"{chance.choice(COLUMNS[2:])} IS {chance.choice(['', 'NOT '])}NULL",
        lambda: f"ok IS {chance.choice(['', 'NOT '])}{chance.choice(['TRUE', 'FALSE'])}",
        lambda: f"{chance.choice(NUMBERS)} BETWEEN {chance.randint(-8, 0) / 4} AND {chance.randint(0, 8) / 4}",
    ]
    if depth < 2 and chance.random() < 0.4:
        one, other = condition(depth + 1), condition(depth + 1)
        return chance.choice([f"({one} AND {other})", f"({one} OR {other})", f"NOT ({one})"])
    return chance.choice(kinds)()


def where():
    return f" WHERE {condition()}" if chance.random() < 0.75 else ""


def in_order(count):
    """An order over all columns of the answer, so that there is but one."""
    places = chance.sample(range(1, count + 1), count)
    terms = (f"{at} {chance.choice(['ASC', 'DESC'])} NULLS {chance.choice(['FIRST', 'LAST'])}" for at in places)
    return " ORDER BY " + ", ".join(terms)


def limit():
    text = f" LIMIT {chance.choice([0, 1, 3, 10, 100])}" if chance.random() < 0.6 else ""
    return text + (f" OFFSET {chance.choice([0, 1, 5])}" if text and chance.random() < 0.4 else "")


def figure():
    kinds = [
        lambda: "count(*)",
        lambda: f"count({chance.choice(COLUMNS[2:])})",
        lambda: f"count(DISTINCT {chance.choice(COLUMNS[1:])})",
        lambda: f"{chance.choice(['sum', 'avg', 'min', 'max'])}({chance.choice(NUMBERS)})",
        lambda: f"{chance.choice(['min', 'max'])}({chance.choice(['note', 'device_id', 'time'])})",
        lambda: "sum(CASE WHEN ok THEN a ELSE b END)",
        lambda: f"sum(a) FILTER (WHERE {condition(2)})",
    ]
    return chance.choice(kinds)()


def key():
    width = chance.choice(["1 minute", "7 minutes", "1 hour", "1 day", "90 seconds", "250 milliseconds"])
    bucket = f"time_bucket(INTERVAL '{width}', time, TIMESTAMP '1970-01-01 00:00:00')"
    unit = chance.choice(["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
    part = chance.choice(["hour", "minute", "dow", "isodow", "doy", "week", "month", "quarter", "year"])
    calendar = [f"date_trunc('{unit}', time)", f"extract({part} FROM time)", "time::date"]
    return chance.choice([bucket, bucket, "device_id", "ok", "note", *calendar])


def plain_rows():
    columns = chance.sample(COLUMNS, chance.randint(1, len(COLUMNS)))
    distinct = "DISTINCT " if chance.random() < 0.2 else ""
    return f"SELECT {distinct}{', '.join(columns)} FROM input{where()}{in_order(len(columns))}{limit()}"


def grouped():
    keys = list(dict.fromkeys(key() for _ in range(chance.randint(0, 3))))
    figures = [figure() for _ in range(chance.randint(1, 3))]
    columns = [f"{text} AS c{at}" for at, text in enumerate([*keys, *figures])]
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    having = f" HAVING count(*) > {chance.randint(0, 5)}" if keys and chance.random() < 0.3 else ""
    return f"SELECT {', '.join(columns)} FROM input{where()}{group}{having}{in_order(len(columns))}{limit()}"


def newest_per_device():
    inner = (
        "SELECT device_id, time, a, row_number() OVER (PARTITION BY device_id "
        f"ORDER BY time DESC, a DESC NULLS LAST) AS place FROM input{where()}"
    )
    return f"SELECT device_id, time, a FROM ({inner}) AS t WHERE place <= {chance.randint(1, 3)}{in_order(3)}"


def joined():
    inner = f"SELECT device_id AS d, max(time) AS newest FROM input{where()} GROUP BY device_id"
    return f"SELECT time, device_id, a FROM input JOIN ({inner}) AS t ON device_id = d AND time = newest{in_order(3)}{limit()}"


def united():
    word = chance.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
    return f"SELECT device_id, a FROM input{where()} {word} SELECT device_id, b FROM input{where()}{in_order(2)}"


def as_of():
    """With each row the time of the last one of its device before it, as both sides write it."""
    columns = "l.time AS c0, l.device_id AS c1, l.a AS c2, l.b AS c3, l.ok AS c4, l.note AS c5, r.time AS c6"
    rest = f" WHERE l.ok IS NOT NULL{in_order(7)}{limit()}"
    sign = chance.choice([">=", ">", "<=", "<"])
    ours = f"SELECT {columns} FROM input l ASOF JOIN input r MATCH_CONDITION (l.time {sign} r.time) ON l.device_id = r.device_id"
    theirs = f"SELECT {columns} FROM input l ASOF LEFT JOIN input r ON l.device_id = r.device_id AND l.time {sign} r.time"
    return ours + rest, theirs + rest


def filled():
    """Buckets without rows are there as well."""
    width = chance.choice(["1 hour", "6 hours"])
    first, buckets = START - 86_400_000_000, chance.randint(1, 30)
    step = {"1 hour": 3_600_000_000, "6 hours": 21_600_000_000}[width]
    text = (lambda at: (datetime(1970, 1, 1) + timedelta(microseconds=at)).isoformat(sep=" "))
    start, finish = text(first), text(first + buckets * step)
    ours = (
        f"SELECT time_bucket_gapfill('{width}', time, TIMESTAMP '{start}', TIMESTAMP '{finish}') AS c0, count(a) AS c1, "
        f"locf(max(a)) AS c2 FROM input WHERE time >= TIMESTAMP '{start}' AND time < TIMESTAMP '{finish}' GROUP BY c0 ORDER BY c0"
    )
    theirs = (
        f"WITH q AS (SELECT time_bucket(INTERVAL '{width}', time, TIMESTAMP '1970-01-01') AS bucket, count(a) AS n, max(a) AS m "
        f"FROM input WHERE time >= TIMESTAMP '{start}' AND time < TIMESTAMP '{finish}' GROUP BY bucket) "
        f"SELECT g.bucket, n, last_value(m IGNORE NULLS) OVER (ORDER BY g.bucket) FROM generate_series(TIMESTAMP '{start}', "
        f"TIMESTAMP '{finish}' - INTERVAL '1 microsecond', INTERVAL '{width}') AS g(bucket) LEFT JOIN q ON q.bucket = g.bucket ORDER BY g.bucket"
    )
    return ours, theirs


def ask_sql():
    kinds = [plain_rows, grouped, newest_per_device, joined, united, as_of, filled]
    sql = chance.choices(kinds, [4, 6, 1, 1, 1, 1, 1])[0]()
    sql, theirs = sql if isinstance(sql, tuple) else (sql, sql)
    found = rows_of(call("/v1/sql?timefmt=usec", {"query": sql})["result"][0]["values"])
    expected = ask_duck(theirs)
    assert found == expected, f"seed {SEED}: {sql}\nwe:     {found[:20]}\nDuckDB: {expected[:20]}"


# ---- the query call


def data_conditions():
    """As the call takes them, and as SQL."""
    asked, sql = [], []
    if chance.random() < 0.5:
        first = START // 1000 + chance.randint(-90_000_000, 30_000_000)
        last = first + chance.randint(0, 60_000_000)
        asked.append(("time", f"{first},{last}"))
        sql.append(f"epoch_us(time) BETWEEN {first * 1000} AND {last * 1000 + 999}")
    words = {"eq": "=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
    for _ in range(chance.choice([0, 0, 1, 1, 2])):
        word = chance.choice(list(words))
        field = chance.choice(["device_id", "a", "b", "ok"])
        if field == "device_id":
            value, text = (device := chance.choice(DEVICES)), literal(device)
        elif field == "ok":
            word, value, text = "eq", (truth := chance.choice(["true", "false"])), truth
        else:
            value = text = str(chance.randint(-8, 8) / 4)
        asked.append(("where", f"{word}({field},{value})"))
        sql.append(f"{field} {words[word]} {text}")
    return asked, sql


def same_newest(found, expected, most, what):
    """Rows of one time may come in any order, and any of them when only some fit."""
    last = None
    if most is not None and len(expected) > most:
        assert len(found) == most, f"{what}: {len(found)} rows, not {most}"
        last = expected[most - 1][0]
    else:
        assert len(found) == len(expected), f"{what}: {len(found)} rows, not {len(expected)}"
    times = [row[0] for row in found]
    assert times == sorted(times, reverse=True), f"{what}: not newest first"
    sure = Counter(row for row in expected if last is None or row[0] > last)
    assert Counter(row for row in found if row[0] != last) == sure, f"{what}: other rows"
    cut = Counter(row for row in found if row[0] == last)
    assert cut <= Counter(row for row in expected if row[0] == last), f"{what}: other rows at the cut"


def ask_rows():
    asked, conditions = data_conditions()
    field = chance.choice(["all", "a", "note", "ok"])
    columns = ["time", "a", "b", "device_id", "note", "ok"] if field == "all" else ["time", field]
    if field != "all":
        conditions.append(f"{field} IS NOT NULL")
    most = chance.choice([None, 1, 2, 10, 100])
    if most is not None:
        asked.append(("limit", str(most)))
    path = f"/v1/data/input/{field}?" + urllib.parse.urlencode([*asked, ("timefmt", "usec")])
    result = call(path)["result"][0]
    places = [result["fields"].index(name) for name in columns]
    found = rows_of([row[place] for place in places] for row in result["values"])
    text = " WHERE " + " AND ".join(conditions) if conditions else ""
    expected = ask_duck(f"SELECT {', '.join(columns)} FROM input{text} ORDER BY time DESC")
    same_newest(found, expected, most, f"seed {SEED}: {path}")


def ask_figures():
    asked, conditions = data_conditions()
    operator = chance.choice(["mean", "sum", "count", "min", "max"])
    field = chance.choice(NUMBERS)
    conditions.append(f"{field} IS NOT NULL")
    width = chance.choice([None, ("5m", "5 minutes"), ("1h", "1 hour"), ("1d", "1 day"), ("1w", "7 days"), ("1mo", "1 month"), ("1y", "1 year")])
    groups = chance.choice([[], ["device_id"], ["ok"], ["device_id", "ok"]])
    time = "max(time)"
    keys = list(groups)
    if width:
        origin = "1970-01-05" if width[0] == "1w" else "1970-01-01"
        time = f"time_bucket(INTERVAL '{width[1]}', time, TIMESTAMP '{origin}')"
        keys.insert(0, time)
    named = ([f"time({width[0]})"] if width else []) + groups
    asked += [("operator", operator)] + ([("group_by", ",".join(named))] if named else [])
    path = f"/v1/data/input/{field}?" + urllib.parse.urlencode([*asked, ("timefmt", "usec")])
    found = rows_of(call(path)["result"][0]["values"])
    word = {"mean": "avg"}.get(operator, operator)
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    columns = ", ".join([time, *groups, f"{word}({field})"])
    expected = ask_duck(f"SELECT {columns} FROM input WHERE {' AND '.join(conditions)}{by}")
    expected = [row for row in expected if row[0] is not None]
    assert Counter(found) == Counter(expected), f"seed {SEED}: {path}\nwe:     {found[:20]}\nDuckDB: {expected[:20]}"
    times = [row[0] for row in found]
    assert times == sorted(times, reverse=True), f"seed {SEED}: {path}: not newest first"


# ---- all of it

for device in DEVICES:
    call("/v1/devices", {"project_id": PROJECT, "device_id": device})
newest, end, asked = START, time.monotonic() + SECONDS, 0
send(newest, 50)
while asked < QUESTIONS and time.monotonic() < end:
    if asked % 4 == 0:
        # Many rows at first, then few, so that questions stay quick.
        count = chance.choice([1, 3, 20, 200]) if asked < 1500 else chance.choice([1, 2])
        send(newest, count)
        newest += count * 1_000_000
    chance.choices([ask_sql, ask_rows, ask_figures], [6, 3, 3])[0]()
    asked += 1
total = duck.execute("SELECT count(*) FROM input").fetchone()[0]
assert call("/v1/sql", {"query": "SELECT count(*) FROM input"})["result"][0]["values"] == [[total]]
print(json.dumps({"asked": asked, "rows": total, "duckdb": duckdb.__version__, "seed": SEED}))
