"""What a Raspberry Pi (or any computer) says of itself: load, memory, disk, network, temperature.

    pip install ./python psutil      # in the folder of the sources
    IOBEAM_PROJECT=1 IOBEAM_TOKEN=... python system_metrics.py --every 10
"""

import argparse
import os
import platform
import re
import time

import psutil

from iobeam import iobeam


def metrics():
    """The readings of this moment."""
    network = psutil.net_io_counters()
    readings = {
        "cpu_percent": psutil.cpu_percent(),
        "load_1m": psutil.getloadavg()[0],
        "memory_percent": psutil.virtual_memory().percent,
        "disk_percent": psutil.disk_usage("/").percent,
        "bytes_sent": network.bytes_sent if network else None,
        "bytes_received": network.bytes_recv if network else None,
        "cpu_celsius": None,
    }
    sensors = getattr(psutil, "sensors_temperatures", dict)()
    for name in ("cpu_thermal", "coretemp", "k10temp", "soc_thermal"):
        if sensors.get(name):
            readings["cpu_celsius"] = sensors[name][0].current
            break
    return readings


def main():
    options = argparse.ArgumentParser(description="Send what this computer says of itself.")
    options.add_argument("--every", type=float, default=10, help="seconds between two rows")
    options.add_argument("--rows", type=int, default=0, help="end after so many; 0 for never")
    options.add_argument("--spool", default="metrics-spool", help="where rows wait until the platform has them")
    given = options.parse_args()

    device = re.sub("[^A-Za-z0-9_:-]", "-", platform.node()) or "computer"
    builder = iobeam.ClientBuilder(
        int(os.environ["IOBEAM_PROJECT"]),
        os.environ["IOBEAM_TOKEN"],
        spool=given.spool,
        spool_limit=16 << 20,
        when_full="drop_oldest",
        auto_send=max(given.every, 10),
    )
    with builder.saveToDisk().registerOrSetId(device).build() as client:
        store = client.createDataStore(list(metrics()))
        rows = 0
        while given.rows == 0 or rows < given.rows:
            store.add(client.now(), metrics())
            rows += 1
            time.sleep(given.every)
        client.send()
        print("device {}: {} rows are stored".format(client.getDeviceId(), client.status().sent_rows))


if __name__ == "__main__":
    main()
