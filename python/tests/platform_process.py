"""The real platform, started on a port of its own and spoken to as its users do."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program():
    """The program under test: ``IOBEAM_PROGRAM`` names it, else it is the one that cargo built last; None when there is none."""
    named = os.environ.get("IOBEAM_PROGRAM")
    if named:
        return named
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    built = [path for path in (target / "release" / "iobeam", target / "debug" / "iobeam") if path.is_file()]
    return str(max(built, key=lambda path: path.stat().st_mtime)) if built else None


class Platform:
    """A running ``iobeam serve`` with a user, a project and a token for all of it."""

    def __init__(self, *flags, account=True):
        self.flags = flags
        self.folder = tempfile.mkdtemp(prefix="iobeam-python-")
        self.process = None
        self.address = "127.0.0.1:0"
        self.start()
        if account:
            self._account()

    def start(self):
        """Starts it, over the data that is there and on the port it had."""
        listening = os.path.join(self.folder, "data", "listening")
        if os.path.exists(listening):
            os.remove(listening)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [program(), "serve", "--data-dir", os.path.join(self.folder, "data"), "--listen", self.address]
                + list(self.flags),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with open(listening, encoding="utf-8") as file:
                    told = json.load(file)
                self.address, self.tls_address = told["http"], told.get("https")
                self.base = "http://" + self.address
                self.backend = self.base + "/v1/"
                return
            except (OSError, ValueError):
                if self.process.poll() is not None:
                    raise RuntimeError("the platform ended:\n" + self.log()) from None
                time.sleep(0.02)
        raise RuntimeError("the platform did not come up:\n" + self.log())

    def stop(self):
        """Ends it in order."""
        self.process.terminate()
        self.process.wait(30)

    def kill(self):
        """Ends it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def close(self):
        """Ends it, and removes its data."""
        self.process.kill()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-40:])

    def call(self, method, path, token=None, body=None):
        """A call of the API: status and JSON."""
        request = urllib.request.Request(self.base + path, method=method)
        if token:
            request.add_header("Authorization", "Bearer " + token)
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, data, timeout=60) as reply:
                text, status = reply.read(), reply.status
        except urllib.error.HTTPError as error:
            text, status = error.read(), error.code
        return status, json.loads(text) if text else None

    def _account(self):
        e_mail, password = "ada@example.com", "correct-horse-battery"
        self.call("POST", "/v1/users", None, {"email": e_mail, "password": password})
        login = "/v1/tokens/user?name={}&password={}".format(e_mail, password)
        self.user_token = self.call("GET", login)[1]["token"]
        self.project, self.token = self.new_project("greenhouse")

    def new_project(self, name):
        """A project's number, and a token for all of it."""
        made = self.call("POST", "/v1/projects", self.user_token, {"project_name": name})[1]
        project = made["project_id"]
        path = "/v1/tokens/project?project_id={}&read=true&write=true&admin=true".format(project)
        return project, self.call("GET", path, self.user_token)[1]["token"]

    def sql(self, question, token=None):
        """The rows of an answer."""
        status, reply = self.call("POST", "/v1/sql?timefmt=usec", token or self.token, {"query": question})
        if status != 200:
            raise AssertionError("{}: {} {}".format(question, status, reply))
        return reply["result"][0]["values"]


_SHARED = []


def shared():
    """The platform that tests share, each with a project of its own."""
    if not _SHARED:
        _SHARED.append(Platform())
    return _SHARED[0]


def end_shared():
    while _SHARED:
        _SHARED.pop().close()


class PlatformTest(unittest.TestCase):
    """A test against the shared platform, in a project and a folder of its own."""

    number = 0

    @classmethod
    def setUpClass(cls):
        if program() is None:
            raise unittest.SkipTest("no `iobeam` program: build it (cargo build -p iobeam-cli), or set IOBEAM_PROGRAM")
        cls.platform = shared()

    def setUp(self):
        PlatformTest.number += 1
        self.project, self.token = self.platform.new_project(
            "project-{}-{}".format(os.getpid(), PlatformTest.number)
        )
        self.folder = tempfile.mkdtemp(prefix="iobeam-python-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def builder(self, **options):
        import iobeam

        options.setdefault("backend", self.platform.backend)
        return iobeam.ClientBuilder(self.project, self.token, **options)

    def client(self, device="device-1", **options):
        client = self.builder(**options).registerOrSetId(device).build()
        self.addCleanup(_close_quietly, client)
        return client

    def rows(self, columns="*", where="true"):
        """Rows of ``input``, oldest first; times in microseconds."""
        question = "SELECT {} FROM input WHERE {} ORDER BY time".format(columns, where)
        return self.platform.sql(question, self.token)

    def count(self):
        return self.platform.sql("SELECT count(*) FROM input", self.token)[0][0]


def _close_quietly(client):
    try:
        client.close(0)
    except Exception:
        pass


import atexit  # noqa: E402 - last: the platform goes when all tests are over

atexit.register(end_shared)
