"""How a client is doing."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Status:
    """How a client is doing, at one moment."""

    #: Rows that were added and are in no batch yet, in stores or in memory.
    collected_rows: int
    #: Batches that wait to be sent, the rows in them, and the bytes they take.
    waiting_batches: int
    waiting_rows: int
    waiting_bytes: int
    #: How long the oldest of them waits, in seconds.
    oldest_seconds: typing.Optional[float]
    #: Rows that the server stored since the client was built.
    sent_rows: int
    #: When it last did, in microseconds since 1970.
    last_sent: typing.Optional[int]
    #: What went wrong last; forgotten once something is sent.
    last_error: typing.Optional[str]
    #: Batches and rows that the server refused for good since the client was built.
    rejected_batches: int
    rejected_rows: int
    #: Rows dropped because as many waited as may.
    dropped_rows: int
    #: What was found amiss when the spool was opened.
    spool_damage: typing.List[str]
    #: Rows sent with the time that the device's clock said before it was put right.
    unset_clock_rows: int
    #: How far the device's clock is behind the server's, in microseconds, once that was learnt.
    clock_behind: typing.Optional[int]
