"""A thermometer and hygrometer that wanders: one row a second, sent in the background, safe across restarts.

    IOBEAM_PROJECT=1 IOBEAM_TOKEN=... python thermometer.py --rows 60
"""

import argparse
import os
import random
import time

from iobeam import iobeam


def main():
    options = argparse.ArgumentParser(description="Send the readings of a thermometer that is not there.")
    options.add_argument("--rows", type=int, default=60, help="how many rows to send")
    options.add_argument("--pause", type=float, default=1.0, help="seconds between them")
    options.add_argument("--spool", default="thermometer-spool", help="where rows wait until the platform has them")
    given = options.parse_args()

    builder = iobeam.ClientBuilder(
        int(os.environ["IOBEAM_PROJECT"]), os.environ["IOBEAM_TOKEN"], spool=given.spool, auto_send=2
    )
    with builder.saveToDisk().registerDevice().build() as client:
        conditions = client.createDataStore(["temperature", "humidity"])
        temperature, humidity = 21.0, 40.0
        for _ in range(given.rows):
            temperature += random.gauss(0, 0.1)
            humidity = min(max(humidity + random.gauss(0, 0.5), 0), 100)
            conditions.add(client.now(), {"temperature": round(temperature, 2), "humidity": round(humidity, 1)})
            time.sleep(given.pause)
        client.send()
        print("device {}: {} rows are stored".format(client.getDeviceId(), client.status().sent_rows))


if __name__ == "__main__":
    main()
