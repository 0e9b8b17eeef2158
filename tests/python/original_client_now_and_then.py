"""The original Python client sends a reading now and then; every send must succeed.

Run by keeps_a_connection_between_readings.rs with the package iobeam 0.11.0 from the package index, unmodified. From the
environment: BACKEND (ending in /v1/), PROJECT_ID, PROJECT_TOKEN, SENDS, INTERVAL (seconds).
"""

import os
import time

from iobeam import iobeam

client = (
    iobeam.ClientBuilder(int(os.environ["PROJECT_ID"]), os.environ["PROJECT_TOKEN"])
    .setBackend(os.environ["BACKEND"])
    .registerOrSetId("original")
    .build()
)
sends = int(os.environ["SENDS"])
for number in range(sends):
    store = client.createDataStore(["n"])
    store.add(iobeam.Timestamp(2_000_000_000 + number), {"n": number})
    client.send()
    if number + 1 < sends:
        time.sleep(float(os.environ["INTERVAL"]))
