"""Measures this package, and beside it the original, against one platform, and prints a table.

    IOBEAM_PROGRAM=target/release/iobeam ORIGINAL_PYTHON=... ROWS=1000000 python measure.py [--json]

Each package runs in a process of its own, on the same rows and with the same platform, whose acknowledgement means synced to disk.
Times of ``add`` and ``send`` are of rows with three numbers. ``measure.sh`` makes the environments, and runs this.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
FRAME_ROWS = 1_000_000
WIRE_ROWS = 100_000
GOALS = {
    "add of a row with 3 values: cpu_ns_a_row": "≤ 3000",
    "send: rows_per_second": "ratio ≥ 20",
    "DataFrame of 1,000,000 rows of 10 floats: rows_per_second": "≥ 400,000",
    "bytes on the wire: bytes_a_row": "ratio ≥ 8",
}


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
        "add of a row with 3 values: cpu_ns_a_row": (added[1] - loop[1]) / count * 1e9,
        "add of a row with 3 values: rows_per_second": count / (added[0] - loop[0]),
        "send: cpu_ns_a_row": sent[1] / count * 1e9,
        "send: rows_per_second": count / sent[0],
        "add and send of {:,} rows: wall_s".format(count): added[0] + sent[0],
    }


def wire(count):
    """Sends rows of random walks with two decimals, as sensors give them, for the bytes to be counted on their way."""
    import random

    from iobeam import iobeam

    chance, walk = random.Random(1), {"a": 20.0, "b": 40.0, "c": 1000.0}

    client = client_of()
    store = client.createDataStore(["a", "b", "c"])
    for number in range(count):
        walk = {name: round(value + chance.randint(-50, 50) / 100, 2) for name, value in walk.items()}
        store.add(iobeam.Timestamp(1427316488000 + number * 1000), walk)
    client.send()
    return {}


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
    return {
        "add of a row with 3 values, with a spool: cpu_ns_a_row": added[1] / count * 1e9,
        "add of a row with 3 values, with a spool: rows_per_second": count / added[0],
    }


def frame(_):
    import numpy

    chance = numpy.random.default_rng(1)
    table = {"t": numpy.arange(FRAME_ROWS) + 1427316488000}
    try:
        import pandas
    except ImportError:
        pandas = None
    for number in range(10):
        walk = 20 + numpy.cumsum(chance.normal(0, 0.1, FRAME_ROWS))
        table["f{}".format(number)] = numpy.round(walk, 2)
    from iobeam import iobeam

    client = client_of()
    table = table if pandas is None else pandas.DataFrame(table)
    wall, cpu = clocked(lambda: client.write_frame(table, "t", unit=iobeam.TimeUnit.MILLISECONDS, timeout=600))
    what = "table of numpy" if pandas is None else "DataFrame"
    return {
        "{} of 1,000,000 rows of 10 floats: rows_per_second".format(what): FRAME_ROWS / wall,
        "{} of 1,000,000 rows of 10 floats: cpu_ns_a_row".format(what): cpu / FRAME_ROWS * 1e9,
    }


class Counter:
    """Stands between a client and the platform, and counts what the client says."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.there = (host, int(port))
        self.sent = 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.backend = "http://127.0.0.1:{}/v1/".format(self.door.getsockname()[1])
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        while True:
            here, _ = self.door.accept()
            there = socket.create_connection(self.there)
            threading.Thread(target=self._pass, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(there, here, False), daemon=True).start()

    def _pass(self, source, sink, counted):
        try:
            while True:
                some = source.recv(1 << 16)
                if not some:
                    break
                self.sent += len(some) if counted else 0
                sink.sendall(some)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One of the two went away.
            pass


def bytes_of(python, platform, original):
    """How many bytes a package sends for a row, its requests' headers included."""
    counter = Counter(platform.address)
    run(python, "wire", WIRE_ROWS, platform, original, counter.backend)
    return {"bytes on the wire: bytes_a_row": counter.sent / WIRE_ROWS}


def run(python, what, count, platform, original, backend=None):
    environment = dict(
        os.environ,
        PROJECT_ID=str(platform.project),
        PROJECT_TOKEN=platform.token,
        IOBEAM_BACKEND=backend or platform.backend,
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

    count = int(os.environ.get("ROWS") or 1_000_000)
    original = os.environ.get("ORIGINAL_PYTHON")
    platform = Platform()
    try:
        ours = {}
        for what in ("rows", "spool", "frame"):
            ours.update(run(sys.executable, what, count, platform, False))
        ours.update(bytes_of(sys.executable, platform, False))
        theirs = {}
        if original:
            theirs = run(original, "rows", count, platform, True)
            theirs.update(bytes_of(original, platform, True))
    finally:
        platform.close()
    if "--json" in sys.argv:
        ours["the wheel: size_mb"] = float(os.environ.get("WHEEL_BYTES", "nan")) / 1e6
        json.dump({"ours": ours, "original": theirs}, sys.stdout)
        return
    print("| what | this package | the original 0.11.0 | ratio | goal |")
    print("| --- | --- | --- | --- | --- |")
    for name, value in ours.items():
        old = theirs.get(name)
        ratio = "-" if old is None else "{:.1f}".format(max(value, old) / min(value, old))
        theirs_shown = "-" if old is None else shown(old)
        print("| {} | {} | {} | {} | {} |".format(name, shown(value), theirs_shown, ratio, GOALS.get(name, "-")))


def shown(value):
    return "{:,.0f}".format(value) if value >= 1000 else "{:,.2f}".format(value)


if __name__ == "__main__":
    main()
