"""What the original Python client does against this platform, step by step.

Run by the_original_client_works.rs with the package iobeam 0.11.0 from the package index, unmodified. Where to send comes
from the environment: BACKEND (ending in /v1/), PROJECT_ID, PROJECT_TOKEN. Prints a JSON object of what it did.
"""

import json
import os
import tempfile
import time

from iobeam import iobeam
from iobeam.endpoints.devices import DuplicateIdError
from iobeam.http.request import UnauthorizedError

BACKEND = os.environ["BACKEND"]
PROJECT_ID = int(os.environ["PROJECT_ID"])
PROJECT_TOKEN = os.environ["PROJECT_TOKEN"]


def builder():
    return iobeam.ClientBuilder(PROJECT_ID, PROJECT_TOKEN).setBackend(BACKEND)


def id_file():
    with open("iobeam_device_id", encoding="ascii") as f:
        return f.read()


def ways_to_register():
    """Each way of the documents, and what each leaves behind."""
    # A generated id, kept on disk: the second build registers nothing.
    first = builder().saveToDisk().registerDevice().build()
    generated = first.getDeviceId()
    assert 16 <= len(generated) <= 48, generated
    assert id_file() == generated
    again = builder().saveToDisk().registerDevice().build()
    assert again.getDeviceId() == generated

    # An id of one's own replaces the one on disk.
    mine = builder().saveToDisk().registerDevice(deviceId="my_desired_id").build()
    assert mine.getDeviceId() == "my_desired_id"
    assert id_file() == "my_desired_id"

    # It is unique in the project.
    try:
        builder().registerDevice(deviceId="my_desired_id").build()
        raise AssertionError("the id was given twice")
    except DuplicateIdError:
        pass
    taken_over = builder().registerOrSetId("my_desired_id", "another name").build()
    assert taken_over.getDeviceId() == "my_desired_id"

    # Registered elsewhere, set here.
    was_set = builder().saveToDisk().setDeviceId(generated).build()
    assert was_set.getDeviceId() == generated and was_set.isRegistered()

    # Not kept on disk.
    os.remove("iobeam_device_id")
    passing = builder().registerDevice().build()
    assert passing.getDeviceId() not in (generated, "my_desired_id")
    assert not os.path.exists("iobeam_device_id")
    return generated


def sending():
    """The full sending example, and every precision of time."""
    client = builder().saveToDisk().registerDevice(deviceId="seed-device").build()
    conditions = client.createDataStore(["temperature", "humidity"])
    now = 1427316488123
    conditions.add(iobeam.Timestamp(now), {"temperature": 22.23, "humidity": 50})
    conditions.add(iobeam.Timestamp(now + 1), {"temperature": 22.5})
    conditions.add(
        iobeam.Timestamp(1427316489123457, unit=iobeam.TimeUnit.MICROSECONDS),
        {"temperature": 0.1 + 0.2, "humidity": 50.5},
    )
    conditions.add(iobeam.Timestamp(1427316490, unit=iobeam.TimeUnit.SECONDS), {"humidity": -1})
    notes = client.createDataStore(["note", "ok"])
    notes.add(iobeam.Timestamp(now + 2), {"note": "wet <b>&amp;</b> \u00fc\u4e2d", "ok": True})
    client.send()

    # The older way: single points and series.
    client.addDataPoint("legacy", iobeam.DataPoint(7, timestamp=1427316488000))
    client.send()

    # A store above the 1000 values that the client sends at once.
    many = client.createDataStore(["a", "b", "c"])
    for row in range(1000):
        many.add(iobeam.Timestamp(1500000000000 + row), {"a": row, "b": row / 7, "c": -row})
    client.send()

    # Sent is sent: there is nothing left to send a second time.
    client.send()


def asking():
    """What comes back to the client's own query."""
    def ask(series, unit, device="seed-device"):
        query = iobeam.QueryReq(PROJECT_ID, deviceId=device, seriesName=series, timeUnit=unit)
        return iobeam.makeQuery(PROJECT_TOKEN, query.limit(10), backend=BACKEND)

    reply = ask("temperature", iobeam.TimeUnit.MICROSECONDS)
    (element,) = reply["result"]
    assert element["project_id"] == PROJECT_ID, reply
    assert element["device_id"] == "seed-device" and element["name"] == "temperature", reply
    points = sorted((point["time"], point["value"]) for point in element["data"])
    assert points == [
        (1427316488123000, 22.23),
        (1427316488124000, 22.5),
        (1427316489123457, 0.1 + 0.2),
    ], points

    reply = ask("humidity", iobeam.TimeUnit.SECONDS)
    points = sorted((point["time"], point["value"]) for point in reply["result"][0]["data"])
    assert points == [(1427316488, 50), (1427316489, 50.5), (1427316490, -1)], points

    everything = iobeam.makeQuery(PROJECT_TOKEN, iobeam.QueryReq(PROJECT_ID), backend=BACKEND)
    names = {(element["device_id"], element["name"]) for element in everything["result"]}
    assert ("seed-device", "legacy") in names and ("seed-device", "note") in names, names

    ranged = iobeam.QueryReq(PROJECT_ID, deviceId="seed-device", seriesName="a")
    ranged.inTimeRange(1500000000010, 1500000000019).greaterThan(11).lessThan(18)
    reply = iobeam.makeQuery(PROJECT_TOKEN, ranged, backend=BACKEND)
    assert sorted(point["value"] for point in reply["result"][0]["data"]) == [12, 13, 14, 15, 16, 17]


def being_refused():
    """Bad credentials are told as such."""
    header, payload, signature = PROJECT_TOKEN.split(".")
    forged = ".".join([header, payload, signature[::-1]])
    try:
        iobeam.ClientBuilder(PROJECT_ID, forged).setBackend(BACKEND).registerDevice().build()
        raise AssertionError("a forged token registered a device")
    except UnauthorizedError:
        return "UnauthorizedError"
    except Exception as error:  # the client has no type of its own for a 401
        return type(error).__name__


def main():
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        generated = ways_to_register()
        sending()
        asking()
        refused = being_refused()
        os.chdir("/")
    print(json.dumps({"generated": generated, "refused": refused, "seconds": time.time() - began}))


if __name__ == "__main__":
    main()
