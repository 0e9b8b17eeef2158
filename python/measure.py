"""Measures this package, and beside it the original, against one platform, and prints a table.

    IOBEAM_PROGRAM=target/release/iobeam ORIGINAL_PYTHON=... python measure.py [rows]

Each package runs in a process of its own. Times of ``add`` and ``send`` are of rows with three numbers.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
FRAME_ROWS = 1_000_000


def clocked(work):
    """Wall and CPU seconds of a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def client_of(**options):
    import iobeam

    if os.environ.get("ORIGINAL"):
        from iobeam.http import request

        request._REQUESTERS[request._BASE_URL] = request.Requester(os.environ["IOBEAM_BACKEND"])
    builder = iobeam.ClientBuilder(int(os.environ["PROJECT_ID"]), os.environ["PROJECT_TOKEN"], **options)
    return builder.registerOrSetId(os.environ["DEVICE"]).build()


def rows(count):
    from iobeam import iobeam

    client = client_of()
    store = client.createDataStore(["a", "b", "c"])
    base = 1427316488000

    def add():
        for number in range(count):
            values = {"a": 20 + number % 7 * 0.5, "b": number % 100, "c": number * 0.01}
            store.add(iobeam.Timestamp(base + number), values)

    def empty():
        for number in range(count):
            values = {"a": 20 + number % 7 * 0.5, "b": number % 100, "c": number * 0.01}
            (base + number, values)

    loop = clocked(empty)
    added = clocked(add)
    sent = clocked(client.send)
    return {
        "add, µs of CPU": (added[1] - loop[1]) / count * 1e6,
        "add and send, CPU µs a row": (added[1] + sent[1]) / count * 1e6,
        "send, rows/s": count / sent[0],
        "add and send of 1 M rows, s": (added[0] + sent[0]) / count * 1e6,
    }


def spool(count):
    import tempfile

    from iobeam import iobeam

    with tempfile.TemporaryDirectory() as folder:
        client = client_of(spool=folder + "/spool")
        store = client.createDataStore(["a", "b", "c"])

        def add():
            for number in range(count):
                store.add(iobeam.Timestamp(number), {"a": 20.5, "b": number, "c": 0.25})

        added = clocked(add)
        client.send()
        client.close()
    return {"add with a spool, µs of CPU": added[1] / count * 1e6}


def frame(_):
    import numpy

    chance = numpy.random.default_rng(1)
    table = {"t": numpy.arange(FRAME_ROWS) + 1427316488000}
    for number in range(10):
        walk = 20 + numpy.cumsum(chance.normal(0, 0.1, FRAME_ROWS))
        table["f{}".format(number)] = numpy.round(walk, 2)
    from iobeam import iobeam

    client = client_of()
    wall, cpu = clocked(lambda: client.write_frame(table, "t", unit=iobeam.TimeUnit.MILLISECONDS, timeout=600))
    return {"table of 10 floats, rows/s": FRAME_ROWS / wall, "table, CPU µs a row": cpu / FRAME_ROWS * 1e6}


def run(python, what, count, platform, original):
    environment = dict(
        os.environ,
        PROJECT_ID=str(platform.project),
        PROJECT_TOKEN=platform.token,
        IOBEAM_BACKEND=platform.backend,
        DEVICE="original" if original else "ours-" + what,
        ORIGINAL="1" if original else "",
    )
    if original:
        environment.pop("PYTHONPATH", None)
    command = [python, str(HERE / "measure.py"), "--inner", what, str(count)]
    return json.loads(subprocess.run(command, env=environment, cwd="/", stdout=subprocess.PIPE, check=True).stdout)


def main():
    if sys.argv[1:2] == ["--inner"]:
        json.dump(globals()[sys.argv[2]](int(sys.argv[3])), sys.stdout)
        return
    sys.path.insert(0, str(HERE))
    from tests.platform_process import Platform

    count = int(sys.argv[1]) if sys.argv[1:] else 200_000
    platform = Platform()
    try:
        ours = {}
        for what in ("rows", "spool", "frame"):
            ours.update(run(sys.executable, what, count, platform, False))
        theirs = {}
        if os.environ.get("ORIGINAL_PYTHON"):
            theirs = run(os.environ["ORIGINAL_PYTHON"], "rows", min(count, 100_000), platform, True)
    finally:
        platform.close()
    print("{:32}{:>14}{:>14}{:>10}".format("", "this package", "the original", "ratio"))
    for name, value in ours.items():
        old = theirs.get(name)
        ratio = "" if old is None else "{:.1f}".format(max(value, old) / min(value, old))
        print("{:32}{:>14,.2f}{:>14}{:>10}".format(name, value, "" if old is None else "{:,.2f}".format(old), ratio))


if __name__ == "__main__":
    main()
