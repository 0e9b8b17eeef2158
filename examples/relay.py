"""A relay: it listens to many small devices that have no network of their own, and sends for all of them.

    IOBEAM_PROJECT=1 IOBEAM_TOKEN=... python relay.py --devices 20 --rows 1000
"""

import argparse
import os
import random

from iobeam import iobeam


def heard(devices, rows):
    """What comes in over the radio: who speaks, and its reading. Here it is made up."""
    for _ in range(rows):
        yield "leaf-{:03}".format(random.randrange(devices)), {"soil": round(random.uniform(10, 60), 1)}


def main():
    options = argparse.ArgumentParser(description="Send the readings of many devices.")
    options.add_argument("--devices", type=int, default=20)
    options.add_argument("--rows", type=int, default=1000)
    given = options.parse_args()

    builder = iobeam.ClientBuilder(
        int(os.environ["IOBEAM_PROJECT"]), os.environ["IOBEAM_TOKEN"], spool="relay-spool", auto_send_rows=500
    )
    with builder.registerOrSetId("relay").build() as relay:
        known = set()
        for device, reading in heard(given.devices, given.rows):
            if device not in known:
                # Each leaf is a device of its own. One that is registered already is simply used.
                iobeam.ClientBuilder(relay.projectId, relay.projectToken).registerOrSetId(device).build()
                known.add(device)
            # The same columns for the same device are the same store: this looks it up.
            relay.createDataStore(["soil"], device=device).add(relay.now(), reading)
        relay.send()
        print("{} rows of {} devices are stored".format(relay.status().sent_rows, len(known)))


if __name__ == "__main__":
    main()
