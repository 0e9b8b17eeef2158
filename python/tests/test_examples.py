"""The examples, and the Python blocks of the documents, run as printed against a platform."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from tests.platform_process import ROOT, PlatformTest


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
    """The Python blocks of a page, each with its line, and the package it needs if it says one."""
    found = re.finditer(r"^```python([^\n]*)\n(.*?)^```$", page, re.M | re.S)
    return [(page[: match.start()].count("\n") + 2, match[1].split(), match[2]) for match in found]


class Documents(Printed):
    """The blocks of a page are one program. ``needs-x`` leaves a block out when the module x is not there."""

    def run_page(self, name):
        page = (ROOT / name).read_text("utf-8")
        program = []
        for line, words, text in blocks(page):
            needs = [word[len("needs-") :] for word in words if word.startswith("needs-")]
            if "not-run" in words or any(not there(module) for module in needs):
                continue
            program.append("# {} line {}\n{}".format(name, line, text))
        self.assertTrue(program)
        path = pathlib.Path(self.folder, "page.py")
        path.write_text("\n".join(program), encoding="utf-8")
        self.run_python(str(path))

    def test_the_pages(self):
        for name in PAGES:
            with self.subTest(name):
                self.setUp()
                self.run_page(name)


def there(module):
    try:
        __import__(module)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
