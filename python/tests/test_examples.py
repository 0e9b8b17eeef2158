"""The examples, and the Python blocks of the documents, run as printed against a platform."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

from tests.platform_process import ROOT, Platform, PlatformTest, program


class Printed(PlatformTest):
    def run_python(self, *arguments, text=None):
        done = subprocess.run(
            [sys.executable, *arguments],
            input=text,
            cwd=self.folder,
            env=dict(
                os.environ,
                IOBEAM_BACKEND=self.platform.backend,
                IOBEAM_PROJECT=str(self.project),
                IOBEAM_TOKEN=self.token,
                IOBEAM_USER_TOKEN=self.platform.user_token,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=120,
            encoding="utf-8",
        )
        self.assertEqual(done.returncode, 0, "{}\n{}".format(done.stdout, done.stderr))
        return done.stdout


class Examples(Printed):
    def example(self, name, *arguments):
        return self.run_python(str(ROOT / "examples" / name), *arguments)

    def test_the_thermometer(self):
        self.assertIn("20 rows are stored", self.example("thermometer.py", "--rows", "20", "--pause", "0.01"))
        self.assertEqual(self.count(), 20)
        self.example("thermometer.py", "--rows", "1", "--pause", "0")
        self.assertEqual(self.platform.sql("SELECT count(DISTINCT device_id) FROM input", self.token), [[1]])

    def test_the_relay(self):
        self.assertIn("300 rows of 5 devices", self.example("relay.py", "--devices", "5", "--rows", "300"))
        self.assertEqual(self.platform.sql("SELECT count(*), count(DISTINCT device_id) FROM input", self.token), [[300, 5]])

    def test_the_csv_file(self):
        lines = ["ts,a,note"] + ["{},{},{}".format(n, "" if n == 3 else n / 4, "x" if n == 5 else "") for n in range(2500)]
        pathlib.Path(self.folder, "old.csv").write_text("\n".join(lines), encoding="utf-8")
        said = self.example("csv_backfill.py", "old.csv", "--time", "ts", "--unit", "sec", "--device", "d", "--part", "1000")
        self.assertIn("2500 rows are stored", said)
        self.assertEqual(self.platform.sql("SELECT count(*), count(a), count(note) FROM input", self.token), [[2500, 2499, 1]])

    def test_the_system_metrics(self):
        try:
            import psutil  # noqa: F401 - the example needs it
        except ImportError:
            self.skipTest("psutil is not there")
        self.assertIn("3 rows are stored", self.example("system_metrics.py", "--every", "0.05", "--rows", "3"))
        self.assertEqual(self.platform.sql("SELECT count(cpu_percent), count(memory_percent) FROM input", self.token), [[3, 3]])


PAGES = (
    "docs/guide/adding-data.md",
    "docs/tutorial/python.md",
    "docs/how-to/offline.md",
    "docs/reference/python-api.md",
)


def blocks(page):
    """The blocks of a page: line, language, what else stands behind the fence, text."""
    found = re.finditer(r"^```(\w+)([^\n]*)\n(.*?)^```$", page, re.M | re.S)
    return [(page[: match.start()].count("\n") + 2, match[1], match[2].split(), match[3]) for match in found]


class Documents(unittest.TestCase):
    """The blocks of a page run in the environment that a reader has: no variable is set that no block of the page sets.

    Its Python blocks are one program. ``needs-x`` leaves a block out when the module x is not there.
    """

    def test_the_pages(self):
        if program() is None:
            self.skipTest("no `iobeam` program")
        for name in PAGES:
            with self.subTest(name):
                platform = Platform(account=False)
                try:
                    self.run_page(name, platform)
                finally:
                    platform.close()

    def run_page(self, name, platform):
        page = (ROOT / name).read_text("utf-8")
        steps, python = ["set -euo pipefail"], []
        for line, language, words, text in blocks(page):
            needs = [word[len("needs-") :] for word in words if word.startswith("needs-")]
            if language == "sh" and "no-run" not in words:
                steps.append(text)
            if language == "python" and all(there(module) for module in needs):
                python.append("# {} line {}\n{}".format(name, line, text))
        self.assertTrue(python)
        steps.append("{} page.py".format(shlex.quote(sys.executable)))
        with tempfile.TemporaryDirectory() as home:
            command = pathlib.Path(home, "bin", "iobeam")
            command.parent.mkdir()
            # What a reader has on this machine's usual port: only the command knows where it is.
            command.write_text(
                "#!/bin/sh\nIOBEAM_BACKEND={} IOBEAM_PASSWORD='correct horse battery' exec {} \"$@\"\n".format(
                    platform.base, shlex.quote(os.path.abspath(program()))
                )
            )
            command.chmod(0o755)
            pathlib.Path(home, "page.py").write_text("\n".join(python), encoding="utf-8")
            environment = {name: value for name, value in os.environ.items() if not name.startswith("IOBEAM")}
            environment.update(PATH="{}:{}".format(command.parent, os.environ["PATH"]), HOME=home)
            done = subprocess.run(
                ["bash"],
                input="\n".join(steps).replace("http://127.0.0.1:8420", platform.base),
                cwd=home,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=120,
                encoding="utf-8",
            )
        self.assertEqual(done.returncode, 0, "{}\n{}\n{}".format(done.stdout, done.stderr, platform.log()))


def there(module):
    try:
        __import__(module)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
