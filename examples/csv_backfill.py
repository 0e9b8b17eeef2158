"""Sends a CSV file of old readings, with a progress bar.

    IOBEAM_PROJECT=1 IOBEAM_TOKEN=... python csv_backfill.py old.csv --time ts --unit sec --device greenhouse

The first line names the columns; an empty cell is no value. Each part that was sent is stored; should one fail, the
program ends and says which row it began with.
"""

import argparse
import csv
import os
import sys

from iobeam import iobeam


def number(text):
    """A cell as a number; as text if it is none; None if it is empty."""
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def bar(done, size):
    """Draws the progress, on a terminal."""
    if sys.stderr.isatty():
        part = done * 40 // max(size, 1)
        sys.stderr.write("\r[{}{}] {:3} %".format("#" * part, " " * (40 - part), done * 100 // max(size, 1)))


def send(client, first):
    """Sends a part that begins with that row."""
    try:
        client.send(timeout=60)
    except Exception as error:
        sys.exit("\nthe rows from {} on are not stored: {}".format(first + 1, error))


def main():
    options = argparse.ArgumentParser(description="Send a CSV file.")
    options.add_argument("file")
    options.add_argument("--time", default="time", help="the column of the times, whole numbers")
    options.add_argument("--unit", default="msec", choices=[unit.value for unit in iobeam.TimeUnit])
    options.add_argument("--device", required=True, help="whose readings these are")
    options.add_argument("--part", type=int, default=10_000, help="rows that are sent at a time")
    given = options.parse_args()
    unit = iobeam.TimeUnit(given.unit)

    builder = iobeam.ClientBuilder(int(os.environ["IOBEAM_PROJECT"]), os.environ["IOBEAM_TOKEN"])
    client = builder.registerOrSetId(given.device).build()
    size, rows = os.path.getsize(given.file), 0
    with open(given.file, newline="", encoding="utf-8") as file, client:
        # Lines are counted as they are read: a csv reader does not say how far it is.
        seen = 0

        def lines():
            nonlocal seen
            for line in file:
                seen += len(line.encode())
                yield line

        reader = csv.DictReader(lines())
        store = client.createDataStore([name for name in reader.fieldnames if name != given.time])
        for row in reader:
            moment = iobeam.Timestamp(int(row.pop(given.time)), unit)
            store.add(moment, {name: number(text) for name, text in row.items()})
            rows += 1
            if rows % given.part == 0:
                send(client, rows - given.part)
                bar(seen, size)
        send(client, rows - rows % given.part)
        bar(size, size)
    print("\n{} rows are stored".format(rows))


if __name__ == "__main__":
    main()
