"""Bad weather: no server, a server that restarts or is busy, full disks, crashes, forks, and the program's end."""

import base64
import http.server
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import iobeam as package
from iobeam import iobeam
from tests.platform_process import Platform, PlatformTest, program

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJwaWQiOjEsImV4cCI6NDEwMjQ0NDgwMH0.c2ln"
NOWHERE = "http://127.0.0.1:1/v1/"


class NoServer(unittest.TestCase):
    def client(self, **options):
        return iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, **options).setDeviceId("d").build()

    def test_send_says_so_in_time_and_the_rows_stay(self):
        client = self.client(send_timeout=120)
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        started = time.monotonic()
        with self.assertRaises(package.NotSentError) as caught:
            client.send(timeout=0.5)
        self.assertLess(time.monotonic() - started, 60)
        self.assertIsInstance(caught.exception, ConnectionError)
        self.assertEqual(store.rows(), [{"time": 1000, "a": 1}])
        store.add(2, {"a": 2})
        self.assertEqual(len(store), 2)
        self.assertEqual(client.status().collected_rows + client.status().waiting_rows, 2)

    def test_rows_of_many_parts_stay_in_order(self):
        client = self.client()
        store = client.createDataStore(["a", "note"])
        for number in range(120_001):
            store.add(number, {"a": number} if number % 3 else {"note": "x"})
        for _ in range(2):
            with self.assertRaises(package.NotSentError):
                client.send(timeout=0.1)
        rows = store.rows()
        self.assertEqual([row["time"] for row in rows], list(range(0, 120_001_000, 1000)))
        self.assertEqual([rows[0], rows[-2]["a"]], [{"time": 0, "a": None, "note": "x"}, 119_999])

    def test_what_is_added_meanwhile_does_not_wait(self):
        client = self.client()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        sending = threading.Thread(target=lambda: self.assertRaises(package.NotSentError, client.send, timeout=5))
        sending.start()
        time.sleep(0.2)
        store.add(2, {"a": 2})
        client.addDataPoint("b", iobeam.DataPoint(1, 1))
        client.createDataStore(["c"])
        client.status()
        self.assertTrue(sending.is_alive(), "all of that was done before the sending was over")
        sending.join()
        self.assertEqual(len(store), 2)

    def test_a_token_that_ends_soon_does_not_keep_a_device_with_a_spool_from_starting(self):
        ends = base64.urlsafe_b64encode(b'{"pid":1,"exp":%d}' % (time.time() + 3600)).decode().rstrip("=")
        token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.{}.c2ln".format(ends)
        with self.assertRaises(ConnectionError):
            iobeam.ClientBuilder(1, token, backend=NOWHERE).setDeviceId("d").build()
        with tempfile.TemporaryDirectory() as folder:
            builder = iobeam.ClientBuilder(1, token, backend=NOWHERE, spool=folder + "/spool").registerDevice("d")
            client = builder.build()
            client.createDataStore(["a"]).add(1, {"a": 1})
            self.assertEqual(client.getDeviceId(), "d")

    @unittest.skipIf(os.name == "nt", "signals are another thing there")
    def test_ctrl_c_ends_the_wait_and_the_rows_stay(self):
        client = self.client()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        # Who is started in the background by a shell begins with this signal ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        started = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            client.send(timeout=120)
        self.assertLess(time.monotonic() - started, 60)
        self.assertEqual(len(store), 1)

    def test_points_stay_too(self):
        client = self.client()
        client.addDataPoint("a", iobeam.DataPoint(1, 1))
        with self.assertRaises(package.NotSentError):
            client.send(timeout=0.1)
        self.assertEqual(client.status().waiting_rows, 1)

    def test_building_with_registration_says_so(self):
        with self.assertRaises(package.NotSentError):
            iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE).registerDevice().build()

    def test_the_service_classes_raise_a_connection_error(self):
        query = iobeam.QueryReq(1)
        with self.assertRaises(ConnectionError):
            iobeam.makeQuery(TOKEN, query, NOWHERE)


class Busy(http.server.BaseHTTPRequestHandler):
    """A server that answers what it was told to."""

    answers = []
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).seen.append((time.monotonic(), body))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        reply = {"stored": 1, "durable": "disk"}
        if status != 200:
            reply = {"errors": [{"code": 1, "message": "not now", "details": "because", "detailed_message": ""}]}
        text = json.dumps(reply).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


class BusyServer(unittest.TestCase):
    """The server is a thread of this process: it answers only because the interpreter is let go of while one waits."""

    def setUp(self):
        Busy.seen, Busy.answers = [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.backend = "http://127.0.0.1:{}/v1/".format(self.server.server_port)

    def client(self, **options):
        client = iobeam.ClientBuilder(1, TOKEN, backend=self.backend, **options).setDeviceId("d").build()
        client.createDataStore(["a"]).add(1, {"a": 1})
        return client

    def test_503_507_and_429_are_tried_again_with_the_same_bytes(self):
        Busy.answers = [(503, {}), (507, {}), (429, {"Retry-After": "1"})]
        self.assertIs(self.client().send(), True)
        self.assertEqual(len(Busy.seen), 4)
        self.assertEqual(len({body for _, body in Busy.seen}), 1)
        self.assertGreaterEqual(Busy.seen[3][0] - Busy.seen[2][0], 0.95)

    def test_a_server_that_stays_busy_is_given_up_in_time_and_the_rows_stay(self):
        Busy.answers = [(503, {"Retry-After": "3600"})]
        client = self.client()
        with self.assertRaisesRegex(package.NotSentError, "not now"):
            client.send(timeout=1)
        self.assertIs(client.send(), True)

    def test_a_token_that_is_not_known_is_unauthorized(self):
        Busy.answers = [(401, {})] * 2
        client = self.client()
        with self.assertRaisesRegex(package.UnauthorizedError, "not now"):
            client.send()
        self.assertIs(client.send(), True)

    def test_a_server_that_never_answers_does_not_hold_the_program(self):
        self.server.shutdown()
        client = self.client(timeout=0.5)
        started = time.monotonic()
        with self.assertRaises(package.NotSentError):
            client.send(timeout=1)
        self.assertLess(time.monotonic() - started, 60)


@unittest.skipIf(program() is None, "no `iobeam` program")
class Restarts(unittest.TestCase):
    def setUp(self):
        self.platform = Platform()
        self.addCleanup(self.platform.close)
        self.folder = pathlib.Path(self.platform.folder)

    def builder(self, **options):
        return iobeam.ClientBuilder(
            self.platform.project, self.platform.token, backend=self.platform.backend, **options
        ).registerOrSetId("d")

    def counted(self):
        return self.platform.sql("SELECT count(*), count(DISTINCT a) FROM input")[0]

    def test_what_failed_before_a_restart_is_sent_once_after_it(self):
        client = self.builder().build()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        self.platform.kill()
        with self.assertRaises(package.NotSentError):
            client.send(timeout=0.5)
        store.add(2, {"a": 2})
        self.platform.start()
        self.assertIs(client.send(), True)
        self.assertEqual(self.counted(), [2, 2])

    def test_a_restart_while_sending_is_waited_for(self):
        client = self.builder(send_timeout=60).build()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        self.platform.stop()
        threading.Timer(1, self.platform.start).start()
        self.assertIs(client.send(), True)
        self.assertEqual(self.counted(), [1, 1])

    def test_a_device_that_starts_without_a_server_sends_later(self):
        self.platform.stop()
        options = {"spool": self.folder / "spool", "auto_send": 0.1}
        client = self.builder(**options).saveToDisk(self.folder).build()
        store = client.createDataStore(["a"])
        for number in range(100):
            store.add(number, {"a": number})
        self.assertEqual(client.getDeviceId(), "d")
        self.platform.start()
        until = time.monotonic() + 90
        while client.status().sent_rows < 100 and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(self.counted(), [100, 100])
        client.close()

    def test_rows_of_now_say_how_they_came_by_their_time(self):
        self.builder().build()
        self.platform.stop()
        options = {"spool": self.folder / "spool", "clock_from_server": True, "mark_clock": True}
        client = self.builder(**options).build()
        store = client.createDataStore(["a"])
        before = time.time_ns() // 1000
        store.add_now({"a": 1})
        self.platform.start()
        client.send(timeout=60)
        store.addNow({"a": 2})
        client.send()
        rows = self.platform.sql("SELECT time, a, clock_source FROM input ORDER BY a")
        self.assertEqual([row[1:] for row in rows], [[1.0, "corrected"], [2.0, None]])
        # The machine's clock is the platform's, here.
        self.assertLess(abs(rows[0][0] - before), 60_000_000)
        self.assertEqual(client.status().unset_clock_rows, 0)
        client.close()

    def test_killed_at_random_points_each_row_that_add_took_is_there_once(self):
        taken, cycles = set(), int(os.environ.get("IOBEAM_KILL_CYCLES", 12))
        for cycle in range(cycles):
            if cycle % 4 == 3:
                self.platform.kill()
            sender = subprocess.Popen(
                [sys.executable, str(pathlib.Path(__file__).with_name("crashing_sender.py")), str(cycle * 1_000_000)],
                env=dict(
                    os.environ,
                    PROJECT_ID=str(self.platform.project),
                    PROJECT_TOKEN=self.platform.token,
                    IOBEAM_BACKEND=self.platform.backend,
                    SPOOL=str(self.folder / "spool"),
                ),
                stdout=subprocess.PIPE,
            )
            # A pipe that nobody reads would stop the sender.
            lines = []
            reader = threading.Thread(target=lambda: lines.extend(sender.stdout))
            sender.stdout.readline()
            reader.start()
            # However slow the machine is, there is something to lose; but one life in four may end before.
            while cycle % 4 and len(lines) < 100 and sender.poll() is None:
                time.sleep(0.001)
            time.sleep(0.02 * (cycle * 7 % 12))
            sender.send_signal(signal.SIGKILL)
            sender.wait()
            reader.join()
            sender.stdout.close()
            taken.update(int(line) for line in lines if line.endswith(b"\n"))
            if cycle % 4 == 3:
                self.platform.start()
        with self.builder(spool=self.folder / "spool", send_timeout=120).build() as client:
            client.send()
        found = [int(row[0]) for row in self.platform.sql("SELECT a FROM input")]
        self.assertGreaterEqual(len(taken), cycles // 4 * 3 * 100)
        self.assertEqual(len(found), len(set(found)), "a row is there twice")
        self.assertEqual(taken - set(found), set(), "a row that was taken is missing")


class Refused(PlatformTest):
    """What the platform refuses for good is set aside; it is mended, resent or dropped from the program."""

    def refused(self):
        """A client of whose three batches one was refused: a text where numbers are."""
        self.client("d").write_frame({"t": [1], "a": [1.5]}, "t", unit=iobeam.TimeUnit.MILLISECONDS)
        client = self.client("d", spool=self.folder + "/spool")
        client.createDataStore(["a", "note"]).add(2, {"a": "7.5", "note": "x"})
        with self.assertRaises(package.RefusedError):
            client.send()
        client.createDataStore(["b"]).add(3, {"b": 1})
        client.send()
        (batch,) = client.rejected()
        self.assertEqual((batch["rows"], client.status().rejected_rows), (1, 1))
        return client, batch["name"]

    def test_mended_it_is_stored(self):
        client, name = self.refused()
        rows = client.rejected_rows(name)
        self.assertEqual(rows, {"time": [2000], "a": ["7.5"], "note": ["x"], "device_id": ["d"]})
        with self.assertRaises(ValueError):
            client.resend(name, dict(rows, time=[], a=[], note=[], device_id=[]))
        rows["a"] = [float(text) for text in rows["a"]]
        client.resend(name, rows)
        self.assertEqual(client.rejected(), [])
        client.send()
        self.assertEqual(self.rows("time, device_id, a, note", "note IS NOT NULL"), [[2000, "d", 7.5, "x"]])

    def test_as_it_was_it_is_refused_again(self):
        client, name = self.refused()
        client.resend(name)
        with self.assertRaises(package.RefusedError):
            client.send()
        self.assertEqual([batch["name"] for batch in client.rejected()], [name])

    def test_dropped_it_is_gone(self):
        client, name = self.refused()
        client.drop_rejected(name)
        self.assertEqual(client.rejected(), [])
        for attempt in (client.rejected_rows, client.resend, client.drop_rejected):
            with self.assertRaisesRegex(Exception, name):
                attempt(name)
        client.send()
        self.assertEqual(self.count(), 2)


class Spools(unittest.TestCase):
    def setUp(self):
        import shutil
        import tempfile

        self.folder = tempfile.mkdtemp(prefix="iobeam-python-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def client(self, **options):
        builder = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, spool=self.folder + "/spool", **options)
        return builder.setDeviceId("d").build()

    def test_rows_survive_the_client(self):
        client = self.client()
        store = client.createDataStore(["a"])
        for number in range(1000):
            store.add(number, {"a": number})
        client.flush()
        with self.assertRaises(package.NotSentError):
            client.close(0)
        status = self.client().status()
        self.assertEqual(status.collected_rows + status.waiting_rows, 1000)

    def test_a_full_spool_refuses_or_drops_and_counts(self):
        for policy in ("refuse", "drop_oldest", "drop_newest"):
            client = iobeam.ClientBuilder(
                1, TOKEN, backend=NOWHERE, spool=self.folder + "/" + policy, spool_limit=100_000, when_full=policy
            )
            client = client.setDeviceId("d").build()
            store = client.createDataStore(["a"])
            chance = random.Random(5)
            refused = 0
            for number in range(100_000):
                try:
                    store.add(number, {"a": chance.random()})
                except package.SpoolFullError:
                    refused += 1
            try:
                client.flush()
            except package.SpoolFullError:
                pass
            status = client.status()
            lost = refused if policy == "refuse" else status.dropped_rows
            self.assertGreater(lost, 0, policy)
            self.assertEqual(lost + status.waiting_rows + status.collected_rows, 100_000, policy)
            self.assertLess(status.waiting_bytes, 200_000, policy)

    def test_without_a_spool_nothing_is_set_aside(self):
        client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE).setDeviceId("d").build()
        for attempt in (client.rejected_rows, client.resend, client.drop_rejected):
            with self.assertRaisesRegex(ValueError, "without a spool"):
                attempt("17")

    def test_a_folder_that_cannot_be_written_is_an_error_at_once(self):
        pathlib.Path(self.folder, "file").write_text("x")
        with self.assertRaises(package.SpoolError) as caught:
            iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, spool=self.folder + "/file/spool").setDeviceId("d").build()
        self.assertIsInstance(caught.exception, OSError)


class Ends(unittest.TestCase):
    """The program's end, in a program of its own."""

    def run_program(self, text, timeout=90):
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", "TOKEN = {!r}\nNOWHERE = {!r}\n{}".format(TOKEN, NOWHERE, text)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            cwd=self.folder,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode(), done.stderr.decode(), time.monotonic() - started

    setUp = Spools.setUp

    def test_the_end_leaves_rows_in_the_spool_and_does_not_hang(self):
        text = """
import iobeam
client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, spool="spool", auto_send=0.01, on_event=lambda e: None)
client = client.setDeviceId("d").build()
store = client.createDataStore(["a"])
for number in range(1000): store.add(number, {"a": number})
"""
        _, _, took = self.run_program(text)
        self.assertLess(took, 60)
        client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, spool=self.folder + "/spool").setDeviceId("d").build()
        status = client.status()
        self.assertEqual(status.collected_rows + status.waiting_rows, 1000)

    def test_the_end_says_what_was_never_sent(self):
        text = """
import logging; logging.basicConfig()
import iobeam
client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE).setDeviceId("d").build()
client.createDataStore(["a"]).add(1, {"a": 1})
"""
        _, said, took = self.run_program(text)
        self.assertIn("1 rows that were not sent", said)
        self.assertLess(took, 60)

    def test_a_thread_that_is_sending_does_not_keep_the_program(self):
        text = """
import threading, iobeam
client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE).setDeviceId("d").build()
client.createDataStore(["a"]).add(1, {"a": 1})
threading.Thread(target=client.send, daemon=True).start()
import time; time.sleep(0.3)
"""
        _, _, took = self.run_program(text)
        self.assertLess(took, 60)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_forked_child_has_a_client_of_its_own_and_none_of_the_rows(self):
        text = """
import os, iobeam
client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE).setDeviceId("d").build()
store = client.createDataStore(["a"])
store.add(1, {"a": 1})
child = os.fork()
if child == 0:
    assert len(store) == 0 and client.getDeviceId() == "d"
    store.add(2, {"a": 2})
    try: client.send(timeout=0.1)
    except iobeam.NotSentError: os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert len(store) == 1
"""
        self.run_program(text)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_forked_child_cannot_use_its_parents_spool_and_is_told(self):
        text = """
import os, iobeam
client = iobeam.ClientBuilder(1, TOKEN, backend=NOWHERE, spool="spool", auto_send=0.01).setDeviceId("d").build()
store = client.createDataStore(["a"])
store.add(1, {"a": 1})
child = os.fork()
if child == 0:
    failed = 0
    for attempt in (lambda: store.add(2, {"a": 2}), client.send, client.status):
        try: attempt()
        except iobeam.ForkedError: failed += 1
    os._exit(failed)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
store.add(3, {"a": 3})
status = client.status()
assert status.collected_rows + status.waiting_rows == 2, status
"""
        self.run_program(text)

    def test_nothing_heavy_is_imported(self):
        text = """
import sys, iobeam
heavy = {"numpy", "pandas", "polars", "pyarrow", "requests", "jwt"} & set(sys.modules)
assert not heavy, heavy
"""
        self.run_program(text)


class Backends(unittest.TestCase):
    setUp = Spools.setUp

    def backend(self, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("IOBEAM_")}
        text = "import iobeam; print(iobeam.ClientBuilder(1, {!r}).build().backend)".format(TOKEN)
        done = subprocess.run(
            [sys.executable, "-c", text],
            env=dict(kept, HOME=self.folder, **environment),
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode().strip()

    def test_it_is_the_variables_else_the_profiles_else_this_machine(self):
        self.assertEqual(self.backend(), "http://127.0.0.1:8420/v1/")
        home = pathlib.Path(self.folder, ".iobeam")
        (home / "work").mkdir(parents=True)
        (home / "profile").write_text('{"profile":"work"}')
        (home / "work" / "profile.config").write_text('{"server":"https://iot.example"}')
        self.assertEqual(self.backend(), "https://iot.example/v1/")
        self.assertEqual(self.backend(IOBEAM_BACKEND="http://here:1"), "http://here:1/v1/")


if __name__ == "__main__":
    unittest.main()
