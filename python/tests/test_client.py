"""The client against a platform: who the device is, what is sent, what stays, what is said."""

import asyncio
import logging
import os
import pathlib
import sys
import threading
import time
import unittest

import iobeam as package
from iobeam import iobeam
from iobeam.endpoints.devices import DeviceService, DuplicateIdError
from iobeam.endpoints.imports import ImportService
from iobeam.endpoints.tokens import TokenService
from iobeam.http import request
from tests.platform_process import PlatformTest

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJwaWQiOjEsImV4cCI6NDEwMjQ0NDgwMH0.c2ln"


class Arguments(unittest.TestCase):
    def test_a_project_id_must_be_a_number_above_0(self):
        for wrong in (0, -1, None, "1", 1.5, [1]):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                iobeam.ClientBuilder(wrong, TOKEN)

    def test_a_token_must_be_a_text(self):
        for wrong in ("", None, 5, b"x"):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                iobeam.ClientBuilder(1, wrong)

    def test_a_token_that_is_no_jwt_is_refused(self):
        for wrong in ("abc", "a.b", "a.b.c", "....", TOKEN.replace(".", "")):
            with self.assertRaisesRegex(ValueError, "JWT", msg=wrong):
                iobeam.ClientBuilder(1, wrong).build()

    def test_device_ids_are_of_known_letters(self):
        builder = iobeam.ClientBuilder(1, TOKEN)
        for wrong in ("", None, 5, "a b", "größe", "a\n"):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                builder.setDeviceId(wrong)
            with self.assertRaises(ValueError, msg=repr(wrong)):
                builder.registerOrSetId(wrong)
            if wrong is not None:
                with self.assertRaises(ValueError, msg=repr(wrong)):
                    builder.registerDevice(wrong)

    def test_steps_can_be_chained_in_both_spellings(self):
        builder = iobeam.ClientBuilder(1, TOKEN)
        for name in "saveToDisk registerDevice save_to_disk register_device".split():
            self.assertIs(getattr(builder, name)(), builder)
        for name in "setDeviceId registerOrSetId set_device_id register_or_set_id".split():
            self.assertIs(getattr(builder, name)("d"), builder)
        self.assertIs(builder.setBackend("http://127.0.0.1:1"), builder)

    def test_options_that_are_not_known_are_named(self):
        with self.assertRaisesRegex(TypeError, "spoool"):
            iobeam.ClientBuilder(1, TOKEN, spoool="x")
        with self.assertRaises(ValueError):
            iobeam.ClientBuilder(1, TOKEN).setBackend("ftp://iot.example")
        with self.assertRaisesRegex(ValueError, "drop_oldest"):
            iobeam.ClientBuilder(1, TOKEN, when_full="drop").build()

    def test_a_client_is_built_without_a_server(self):
        client = iobeam.ClientBuilder(1, TOKEN, backend="http://127.0.0.1:1").build()
        self.assertEqual((client.projectId, client.projectToken), (1, TOKEN))
        self.assertIsNone(client.getDeviceId())
        self.assertFalse(client.isRegistered())
        client.setDeviceId("d")
        self.assertTrue(client.isRegistered())
        with self.assertRaises(ValueError):
            client.setDeviceId("a b")
        client.close(0)

    def test_what_is_added_must_be_what_it_should(self):
        client = iobeam.ClientBuilder(1, TOKEN, backend="http://127.0.0.1:1").setDeviceId("d").build()
        for wrong in ("", None, 5):
            with self.assertRaises(ValueError):
                client.addDataPoint(wrong, iobeam.DataPoint(1))
        with self.assertLogs("iobeam", logging.WARNING):
            client.addDataPoint("a", None)
        with self.assertLogs("iobeam", logging.WARNING):
            client.addDataStore(None)
        for wrong in ("store", 5, ["a"]):
            with self.assertRaises(ValueError):
                client.addDataStore(wrong)
        for wrong in (None, 5):
            with self.assertRaises(ValueError):
                client.addDataSeries(wrong)
        self.assertEqual(client.status().collected_rows, 0)
        client.close()

    def test_sending_needs_a_device(self):
        client = iobeam.ClientBuilder(1, TOKEN, backend="http://127.0.0.1:1").build()
        client.createDataStore(["a"]).add(1, {"a": 1})
        with self.assertRaises(package.NoDeviceError):
            client.send()
        self.assertEqual(client.status().collected_rows, 1)


class Devices(PlatformTest):
    def file(self):
        return pathlib.Path(self.folder, "iobeam_device_id")

    def test_a_registered_device_is_kept_on_disk_and_not_registered_again(self):
        first = self.builder().saveToDisk(self.folder).registerDevice().build()
        self.assertEqual(self.file().read_text(), first.getDeviceId())
        again = self.builder().saveToDisk(self.folder).registerDevice().build()
        self.assertEqual(again.getDeviceId(), first.getDeviceId())
        self.assertEqual(len(self.platform.call("GET", "/v1/devices", self.token)[1]["devices"]), 1)

    def test_another_id_replaces_the_stored_one(self):
        self.builder().saveToDisk(self.folder).registerDevice("one").build()
        two = self.builder().saveToDisk(self.folder).registerDevice("two", "a name").build()
        self.assertEqual((two.getDeviceId(), self.file().read_text()), ("two", "two"))
        found = self.platform.call("GET", "/v1/devices?name=a%20name", self.token)[1]
        self.assertEqual(found["device_id"], "two")

    def test_an_id_that_exists_is_refused_or_taken_over(self):
        self.builder().registerDevice("one").build()
        with self.assertRaises(DuplicateIdError):
            self.builder().registerDevice("one").build()
        self.assertEqual(self.builder().registerOrSetId("one").build().getDeviceId(), "one")
        client = self.builder().build()
        with self.assertRaises(DuplicateIdError):
            client.registerDevice("one")
        self.assertIs(client.registerDevice("one", setOnDupe=True), client)

    def test_a_token_that_may_not_register_is_unauthorized(self):
        path = "/v1/tokens/project?project_id={}&read=true&write=false&admin=false".format(self.project)
        token = self.platform.call("GET", path, self.platform.user_token)[1]["token"]
        with self.assertRaises(request.UnauthorizedError):
            iobeam.ClientBuilder(self.project, token, backend=self.platform.backend).registerDevice().build()

    def test_a_device_token_is_bound_to_its_device(self):
        self.client("mine")
        self.client("other")
        options = {"write": True, "read": True}
        token = iobeam.fetchDeviceToken(
            self.platform.user_token, self.project, "mine", "5w", options, self.platform.backend
        )
        self.assertEqual(options, {"write": True, "read": True})
        for device, allowed in (("mine", True), ("other", False)):
            client = iobeam.ClientBuilder(self.project, token, backend=self.platform.backend).setDeviceId(device).build()
            client.createDataStore(["a"]).add(1, {"a": 1})
            if allowed:
                self.assertIs(client.send(), True)
            else:
                with self.assertRaises(request.UnauthorizedError):
                    client.send()
        with self.assertRaises(ValueError):
            iobeam.fetchDeviceToken(self.platform.user_token, self.project, "d", "5 weeks", None, self.platform.backend)

    def test_a_token_that_ends_soon_is_refreshed_and_the_new_one_is_used(self):
        path = "/v1/tokens/project?project_id={}&read=true&write=true&duration=2h".format(self.project)
        token = self.platform.call("GET", path, self.platform.user_token)[1]["token"]
        client = iobeam.ClientBuilder(self.project, token, backend=self.platform.backend).registerDevice().build()
        self.assertNotEqual(client.projectToken, token)
        client.createDataStore(["a"]).add(1, {"a": 1})
        self.assertTrue(client.send())

    def test_the_service_classes_work_as_they_did(self):
        requester = request.getRequester(self.platform.backend)
        devices = DeviceService(self.token, requester=requester)
        self.assertEqual(devices.registerDevice(self.project, "d", "n").deviceName, "n")
        self.assertLess(abs(devices.getTimestamp() - time.time() * 1000), 60_000)
        with self.assertRaises(DuplicateIdError):
            devices.registerDevice(self.project, "d")
        imports = ImportService(self.token, requester=requester)
        store = iobeam.DataStore(["a", "b"])
        for number in range(1200):
            store.add(number, {"a": number})
        self.assertEqual(imports.importBatch(self.project, "d", store), (True, None))
        series = {"a": {iobeam.DataPoint(5, 5)}}
        self.assertEqual(imports.importData(self.project, "d", series), (True, None))
        self.assertEqual(imports.importBatch(self.project, "nobody", store)[0], False)
        self.assertEqual(self.count(), 1201)
        fetched = TokenService(requester).getProjectToken(self.platform.user_token, self.project)
        self.assertNotEqual(TokenService(requester).refreshToken(fetched), "")


class Sending(PlatformTest):
    def test_stores_of_the_same_columns_are_one(self):
        client = self.client()
        store = client.createDataStore(["a", "b"])
        self.assertIs(client.createDataStore(["b", "a"]), store)
        self.assertIsNot(client.createDataStore(["a"]), store)

    def test_what_was_sent_is_there_and_the_stores_are_empty(self):
        client = self.client("d")
        store = client.createDataStore(["a", "text", "ok"])
        store.add(1, {"a": 1, "text": "wet", "ok": True})
        store.add(2, {"a": 2.5})
        other = iobeam.DataStore(["b"])
        other.add(3, {"b": 2**53})
        client.addDataStore(other)
        self.assertIs(client.send(), True)
        self.assertEqual((len(store), len(other)), (0, 0))
        self.assertEqual(
            self.rows("time, device_id, a, text, ok, b"),
            [
                [1000, "d", 1.0, "wet", True, None],
                [2000, "d", 2.5, None, None, None],
                [3000, "d", None, None, None, 2.0**53],
            ],
        )
        self.assertIs(client.send(), True)
        self.assertEqual(self.count(), 3)

    def test_whole_numbers_that_no_double_holds_need_a_declared_field(self):
        client = self.client()
        client.createDataStore(["big"]).add(1, {"big": 2**60})
        with self.assertRaisesRegex(package.RefusedError, "big"):
            client.send()

    def test_points_and_series_are_sent_and_equal_points_count_once(self):
        client = self.client()
        client.addDataPoint("a", iobeam.DataPoint(1.5, 1))
        client.addDataPoint("a", iobeam.DataPoint(1.5, 1))
        client.addDataSeries(iobeam.DataSeries("b", [iobeam.DataPoint(2, 2), iobeam.DataPoint(3, 3)]))
        client.addDataPoint("gone", iobeam.DataPoint(1, 1))
        client.clearSeries("gone")
        self.assertIs(client.send(), True)
        self.assertEqual(self.rows("time, a, b"), [[1000, 1.5, None], [2000, None, 2.0], [3000, None, 3.0]])

    def test_a_point_that_cannot_be_stored_is_refused_at_once_and_keeps_no_other(self):
        client = self.client("d")
        good = iobeam.DataPoint(9, 7)
        for name, point in (
            ("room temp", good), ("time", good), ("größe", good), ("x" * 300, good),
            ("bad", iobeam.DataPoint(float("inf"), 1)), ("bad", iobeam.DataPoint(2**70, 1)),
        ):
            with self.assertRaises(ValueError, msg=name):
                client.addDataPoint(name, point)
            with self.assertRaises(ValueError, msg=name):
                client.addDataSeries(iobeam.DataSeries(name, [good, point]))
        client.addDataPoint("good", good)
        # Numbers that no column holds together are two batches, and the platform says of each what it thinks.
        client.addDataPoint("mixed", iobeam.DataPoint(0.5, 1))
        client.addDataPoint("mixed", iobeam.DataPoint(2**60 + 1, 2))
        client.addDataPoint("mixed", iobeam.DataPoint(1.5, 3))
        for _ in range(2):
            with self.assertRaisesRegex(package.RefusedError, "mixed"):
                client.send()
        self.assertEqual(self.rows("good", "good IS NOT NULL"), [[9.0]])
        self.assertEqual(self.rows("mixed", "mixed IS NOT NULL"), [[0.5], [1.5]])
        client.clearSeries("mixed")
        self.assertTrue(client.send())

    def test_a_refused_store_keeps_no_other(self):
        self.client("d").write_frame({"t": [0], "a": [1.0]}, "t", unit=iobeam.TimeUnit.SECONDS)
        client = self.client("d")
        wrong, right = client.createDataStore(["a"]), client.createDataStore(["b"])
        wrong.add(1, {"a": "text"})
        right.add(2, {"b": 1})
        for _ in range(2):
            with self.assertRaisesRegex(package.RefusedError, "'a'"):
                client.send()
            self.assertEqual((len(wrong), len(right)), (1, 0))
        self.assertEqual(self.rows("b", "b IS NOT NULL"), [[1.0]])

    def test_more_rows_than_one_batch_holds_arrive_once(self):
        client = self.client()
        store = client.createDataStore(["a"])
        for number in range(120_000):
            store.add(number, {"a": number})
        self.assertIs(client.send(), True)
        self.assertEqual(self.count(), 120_000)

    def test_refused_rows_stay_and_the_others_are_stored(self):
        client = self.client()
        good = client.createDataStore(["a"])
        good.add(1, {"a": 1})
        client.send()
        bad = iobeam.DataStore(["a"])
        bad.add(2, {"a": "text"})
        client.addDataStore(bad)
        good.add(3, {"a": 3})
        with self.assertRaises(package.RefusedError) as caught:
            client.send()
        self.assertIn("'a' is DOUBLE", str(caught.exception))
        self.assertEqual(bad.rows(), [{"time": 2000, "a": "text"}])
        self.assertEqual(self.count(), 2)
        bad.clear()
        self.assertIs(client.send(), True)

    def test_an_unknown_device_is_an_error_and_its_rows_stay(self):
        client = self.builder().setDeviceId("nobody").build()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        with self.assertRaisesRegex(package.Error, "nobody|device"):
            client.send()
        self.assertEqual(len(store), 1)
        self.platform.call("POST", "/v1/devices", self.token, {"project_id": self.project, "device_id": "nobody"})
        self.assertIs(client.send(), True)
        self.assertEqual((len(store), self.count()), (0, 1))

    def test_a_relay_sends_for_other_devices(self):
        client = self.client("relay")
        self.client("leaf-1")
        self.client("leaf-2")
        for number, leaf in enumerate(("leaf-1", "leaf-2")):
            client.createDataStore(["a"], device=leaf).add(number, {"a": number})
        client.createDataStore(["a"]).add(2, {"a": 2})
        client.send()
        self.assertEqual(self.rows("device_id, a"), [["leaf-1", 0.0], ["leaf-2", 1.0], ["relay", 2.0]])

    def test_leaving_a_with_block_sends(self):
        with self.client() as client:
            client.createDataStore(["a"]).add(1, {"a": 1})
        self.assertEqual(self.count(), 1)
        with self.assertRaises(package.ClosedError):
            client.send()
        client.close()

    def test_asyncio_goes_on_while_it_sends(self):
        async def work():
            async with self.client() as client:
                client.createDataStore(["a"]).add(1, {"a": 1})
                return await client.send_async()

        self.assertIs(asyncio.run(work()), True)
        self.assertEqual(self.count(), 1)

    def test_threads_may_send_at_the_same_time(self):
        client = self.client()
        store = client.createDataStore(["a"])
        failed = []

        def work(start):
            try:
                for number in range(20):
                    store.add(start + number, {"a": number})
                    client.send()
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(start * 1000,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((failed, len(store), self.count()), ([], 0, 80))

    def test_many_parts_arrive_once_and_in_order_and_what_is_refused_goes_back(self):
        client = self.client()
        store = client.createDataStore(["a", "b"])
        for number in range(120_000):
            store.add(number, {"a": number, "b": None if number % 2 else "x"})
        client.send()
        question = "SELECT count(*), count(DISTINCT a), count(b), min(a), max(a) FROM input"
        self.assertEqual(self.platform.sql(question, self.token), [[120_000, 120_000, 60_000, 0, 119_999]])
        wrong = client.createDataStore(["b"])
        for number in range(60_000):
            wrong.add(number, {"b": number})
        with self.assertRaises(package.RefusedError):
            client.send()
        self.assertEqual([row["b"] for row in wrong.rows()], list(range(60_000)))

    def test_rows_of_a_table_that_waits_are_not_taken_for_those_of_stores(self):
        client = self.client()
        client.createDataStore(["a"]).add(1, {"a": 1})
        client.write_frame({"t": [2, 3], "a": [2, 3]}, "t", unit=iobeam.TimeUnit.MILLISECONDS, wait=False)
        status = client.status()
        self.assertEqual((status.collected_rows, status.waiting_rows), (1, 2))
        client.send()
        self.assertEqual(self.count(), 3)


class WithASpool(PlatformTest):
    def test_rows_go_to_the_spool_at_once_and_from_there_to_the_server(self):
        client = self.client(spool=self.folder + "/spool")
        store = client.createDataStore(["a"])
        store.add(1, {"a": 1})
        self.assertEqual((len(store), client.status().collected_rows), (0, 1))
        self.assertIs(client.send(), True)
        self.assertEqual((self.count(), client.status().sent_rows), (1, 1))

    def test_a_store_with_rows_brings_them_along(self):
        client = self.client(spool=self.folder + "/spool")
        store = iobeam.DataStore(["a"])
        store.add(1, {"a": 1})
        client.addDataStore(store)
        client.addDataPoint("b", iobeam.DataPoint(5, 5))
        client.send()
        self.assertEqual(self.count(), 2)

    def test_what_the_background_is_refused_is_in_the_log_once(self):
        self.client("d").write_frame({"t": [0], "a": [1.0]}, "t", unit=iobeam.TimeUnit.SECONDS)
        for options in ({}, {"spool": self.folder + "/spool"}):
            with self.assertLogs("iobeam", "WARNING") as log:
                client = self.client("d", auto_send=0.02, **options)
                store = client.createDataStore(["a"])
                for refused in range(1, 4):
                    store.add(refused, {"a": "text"})
                    self.wait(lambda: client.status().rejected_batches >= refused)
                client.close()
            self.assertEqual(len(log.output), 1, log.output)
            self.assertIn("refused a batch of 1 rows for good (400", log.output[0])

    def test_a_server_that_is_away_is_in_the_log(self):
        client = iobeam.ClientBuilder(
            self.project, self.token, backend="http://127.0.0.1:1", spool=self.folder + "/spool", auto_send=0.02
        ).setDeviceId("d")
        with self.assertLogs("iobeam", "WARNING") as log:
            client = client.build()
            client.createDataStore(["a"]).add(1, {"a": 1})
            self.wait(lambda: log.output)
            client._rust.leave()
        self.assertIn("did not answer", log.output[0])
        self.assertIn("1 rows wait", log.output[0])

    def wait(self, condition):
        until = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def test_a_damaged_id_does_not_stop_a_device(self):
        path = os.path.join(self.folder, "iobeam_device_id")
        with open(path, "wb") as file:
            file.write(b"\0" * 12)
        with self.assertRaisesRegex(package.SpoolError, "iobeam_device_id does not hold a device id"):
            self.builder().saveToDisk(self.folder).build()
        with self.assertLogs("iobeam", "WARNING") as log:
            client = self.builder().saveToDisk(self.folder).registerDevice().build()
        self.assertIn("iobeam_device_id.damaged", log.output[0])
        self.assertEqual(client.status().spool_damage, [log.records[0].getMessage()])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), client.getDeviceId())

    def test_the_background_sends_and_tells(self):
        events = []
        client = self.client(spool=self.folder + "/spool", auto_send=0.05, on_event=events.append)
        client.createDataStore(["a"]).add(1, {"a": 1})
        until = time.monotonic() + 20
        while not events and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(events[0], {"event": "sent", "rows": 1})
        self.assertEqual(self.count(), 1)

    def test_a_listener_that_fails_or_sends_does_not_stop_the_sending(self):
        said = []

        def listener(event):
            said.append(event["event"])
            client.status()
            with self.assertRaisesRegex(RuntimeError, "another thread"):
                client.send()
            raise ValueError("the listener's own")

        seen = []
        before, sys.unraisablehook = sys.unraisablehook, seen.append
        self.addCleanup(setattr, sys, "unraisablehook", before)
        client = self.client(auto_send=0.05, on_event=listener)
        store = client.createDataStore(["a"])
        for number in range(3):
            store.add(number, {"a": number})
            until = time.monotonic() + 20
            while len(said) <= number and time.monotonic() < until:
                time.sleep(0.02)
        self.assertEqual(self.count(), 3)
        self.assertEqual([str(each.exc_value) for each in seen][:1], ["the listener's own"])

    def test_the_background_sends_without_a_spool_when_enough_rows_wait(self):
        client = self.client(auto_send_rows=10)
        store = client.createDataStore(["a"])
        for number in range(10):
            store.add(number, {"a": number})
        until = time.monotonic() + 20
        while self.count() < 10 and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(self.count(), 10)

    def test_a_refused_batch_is_set_aside_and_told_and_the_queue_goes_on(self):
        self.client().createDataStore(["a"])
        first = self.client(spool=self.folder + "/spool")
        store = first.createDataStore(["a"])
        store.add(1, {"a": 1})
        first.send()
        bad = first.createDataStore(["a", "b"])
        bad.add(2, {"a": "text"})
        store.add(3, {"a": 3})
        with self.assertRaisesRegex(package.RefusedError, "DOUBLE"):
            first.send()
        self.assertEqual(self.count(), 2)
        (aside,) = first.rejected()
        self.assertEqual((aside["rows"], aside["status"]), (1, 400))
        self.assertEqual(first.status().rejected_rows, 1)
        self.assertIs(first.send(), True)

    def test_a_second_client_on_the_spool_is_told(self):
        self.client(spool=self.folder + "/spool")
        with self.assertRaises(package.SpoolError):
            self.client(spool=self.folder + "/spool")


if __name__ == "__main__":
    unittest.main()
