"""The first README's code runs as printed: with this package, and with the original, against the same platform."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from tests import seed_script
from tests.platform_process import PlatformTest

HERE = pathlib.Path(__file__).resolve().parent


class Seed(PlatformTest):
    original = False
    python = sys.executable

    def run_blocks(self, *names, folder=None):
        folder = folder or tempfile.mkdtemp(dir=self.folder)
        environment = dict(
            os.environ,
            PROJECT_ID=str(self.project),
            PROJECT_TOKEN=self.token,
            IOBEAM_BACKEND=self.platform.backend,
            ORIGINAL="1" if self.original else "",
            NO_PROXY="*",
        )
        if self.original:
            environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [self.python, str(HERE / "seed_script.py"), *names],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=120,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stderr.decode(), "")
        return json.loads(done.stdout), pathlib.Path(folder)

    def assert_sent(self, told):
        if not self.original:
            self.assertIs(told["sent"], True)

    def test_a_device_registers_itself_is_saved_and_is_not_registered_again(self):
        told, folder = self.run_blocks("generated", "one-stream", "add-one", "send")
        self.assert_sent(told)
        self.assertEqual((folder / "iobeam_device_id").read_text(), told["device"])
        again, _ = self.run_blocks("generated", "add-two", "send", folder=folder)
        self.assertEqual(again["device"], told["device"])
        rows = self.rows("device_id, temperature, humidity")
        self.assertEqual(rows, [[told["device"], 21.5, None], [told["device"], 21.5, 40.0]])

    def test_a_desired_id_is_registered_and_another_one_replaces_it(self):
        told, folder = self.run_blocks("generated")
        again, _ = self.run_blocks("desired", folder=folder)
        self.assertEqual(again["device"], "my_desired_id")
        self.assertEqual((folder / "iobeam_device_id").read_text(), "my_desired_id")
        self.assertNotEqual(told["device"], "my_desired_id")

    def test_a_registered_id_is_set(self):
        self.platform.call(
            "POST", "/v1/devices", self.token, {"project_id": self.project, "device_id": "set-device"}
        )
        told, folder = self.run_blocks("set", "one-stream", "add-one", "timestamps", "send")
        self.assert_sent(told)
        self.assertEqual((folder / "iobeam_device_id").read_text(), "set-device")
        self.assertLess(abs(told["time"] - time.time() * 1e6), 60e6)
        self.assertEqual(self.rows("device_id"), [["set-device"]])

    def test_without_save_to_disk_nothing_is_saved(self):
        told, folder = self.run_blocks("generated", "not-saved", "one-stream", "add-one", "send")
        self.assert_sent(told)
        self.assertNotEqual((folder / "iobeam_device_id").read_text(), told["device"])

    def test_the_full_example_sends_a_row_of_now(self):
        before = time.time() * 1e6
        told, _ = self.run_blocks("full")
        ((moment, device, temperature, humidity),) = self.rows("time, device_id, temperature, humidity")
        self.assertEqual((device, temperature, humidity), (told["device"], 21.5, 40.0))
        self.assertTrue(before - 1000 <= moment <= time.time() * 1e6)

    def test_every_block_of_the_page_is_run_by_a_test(self):
        run = {"generated", "desired", "set", "not-saved", "one-stream", "add-one", "add-two"}
        self.assertEqual(set(seed_script.blocks()), run | {"timestamps", "send", "full"})


@unittest.skipUnless(os.environ.get("ORIGINAL_PYTHON"), "ORIGINAL_PYTHON names no Python with the original")
class SeedWithTheOriginal(Seed):
    original = True
    python = os.environ.get("ORIGINAL_PYTHON")


if __name__ == "__main__":
    unittest.main()
