"""Adds rows as fast as it can and prints the number of each that was taken, until it is killed."""

import os
import sys

import iobeam

client = iobeam.ClientBuilder(
    int(os.environ["PROJECT_ID"]), os.environ["PROJECT_TOKEN"], spool=os.environ["SPOOL"], auto_send=0.01
)
client = client.registerOrSetId("d").build()
store = client.createDataStore(["a"])
print("ready", flush=True)
number = int(sys.argv[1])
while True:
    store.add(number, {"a": number})
    os.write(1, b"%d\n" % number)
    number += 1
