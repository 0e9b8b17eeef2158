"""The same data through each library, in and out: equal, or refused with the column's name."""

import datetime
import decimal
import math
import os
import random
import unittest

from iobeam import iobeam
from tests.platform_process import PlatformTest

try:
    import numpy
    import pandas
    import polars
    import pyarrow
except ImportError:
    numpy = pandas = polars = pyarrow = None
try:
    import duckdb
except ImportError:
    duckdb = None

UTC = datetime.timezone.utc
FIRST = datetime.datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
BIG = 2**53 + 1
FIELDS = {"f": "DOUBLE", "n": "LONG", "b": "BOOLEAN", "s": "STRING"}


def random_data(chance):
    """Columns of each type, some values missing."""
    rows = chance.randint(1, 40)

    def column(value):
        share = chance.choice([0, 0.3, 1]) if chance.random() < 0.8 else 0
        return [None if chance.random() < share else value() for _ in range(rows)]

    floats = [0.0, -0.5, 1e300, 5e-324, 0.1, 2.0**60, -1e-9]
    longs = [0, 1, -1, BIG, -BIG, 2**63 - 1, -(2**63), 10**16, 2**53]
    texts = ["", " x ", "größe", "NULL", "nan", "a,b", 'say "hi"', "12", "line\nbreak", "x" * 40, "\0"]
    return {
        "time": [FIRST + datetime.timedelta(microseconds=at * 1000 + 1) for at in range(rows)],
        "f": column(lambda: chance.choice(floats) if chance.random() < 0.5 else chance.gauss(0, 1e3)),
        "n": column(lambda: chance.choice(longs) if chance.random() < 0.5 else chance.randint(-(2**63), 2**63 - 1)),
        "b": column(lambda: chance.random() < 0.5),
        "s": column(lambda: chance.choice(texts)),
    }


def arrow_table(data):
    kinds = {
        "time": pyarrow.timestamp("us", tz="UTC"),
        "f": pyarrow.float64(),
        "n": pyarrow.int64(),
        "b": pyarrow.bool_(),
        "s": pyarrow.string(),
    }
    return pyarrow.table({name: pyarrow.array(values, kinds[name]) for name, values in data.items()})


def chunked(data):
    table = arrow_table(data)
    middle = table.num_rows // 2
    return pyarrow.concat_tables([table.slice(0, middle), table.slice(middle)])


def masked(data):
    table = {"time": numpy.array([at.replace(tzinfo=None) for at in data["time"]], "datetime64[us]")}
    for name, kind, zero in (("f", "f8", 0), ("n", "i8", 0), ("b", "?", False)):
        values = [zero if each is None else each for each in data[name]]
        table[name] = numpy.ma.array(numpy.array(values, kind), mask=[each is None for each in data[name]])
    table["s"] = numpy.array(data["s"], dtype=object)
    return table


def nullable(data):
    return pandas.DataFrame(
        {
            "time": pandas.to_datetime(data["time"], utc=True),
            "f": pandas.array(data["f"], dtype="Float64"),
            "n": pandas.array(data["n"], dtype="Int64"),
            "b": pandas.array(data["b"], dtype="boolean"),
            "s": pandas.array(data["s"], dtype="string"),
        }
    )


def by_arrow(data):
    return arrow_table(data).to_pandas(types_mapper=pandas.ArrowDtype)


def objects(data):
    return pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in data.items()})


def by_polars(data):
    return polars.DataFrame(arrow_table(data))


def by_duckdb(data):
    held = arrow_table(data)  # noqa: F841 - duckdb finds it by its name
    return duckdb.sql("SET TimeZone='UTC'; SELECT * FROM held")


def arrays(data):
    table = arrow_table(data)
    return {name: table[name].combine_chunks() for name in table.column_names}


WAYS_IN = {
    "lists": dict,
    "masked numpy arrays": masked,
    "pandas with NA": nullable,
    "pandas by Arrow": by_arrow,
    "pandas with objects": objects,
    "polars": by_polars,
    "pyarrow": arrow_table,
    "chunks of pyarrow": chunked,
    "a dict of Arrow arrays": arrays,
    "a dict of polars series": lambda data: {name: by_polars(data)[name] for name in data},
    "a stream": lambda data: arrow_table(data).to_reader(7),
}
if duckdb is not None:
    WAYS_IN["duckdb"] = by_duckdb


def plain(value):
    """A value as Python has it, in whatever form a library gives it."""
    if value is None or value is pandas.NA or value is pandas.NaT:
        return None
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (pandas.Timestamp, datetime.datetime)):
        return value.to_pydatetime() if isinstance(value, pandas.Timestamp) else value
    if isinstance(value, numpy.generic):
        return plain(value.item())
    return value


def rows_of(columns):
    return [tuple(plain(value) for value in row) for row in zip(*columns)]


WAYS_OUT = {
    "rows": lambda answer: [
        (EPOCH + datetime.timedelta(microseconds=row.pop("time")), *row.values()) for row in answer.rows()
    ],
    "pandas": lambda answer: rows_of([list(answer.to_pandas()[name]) for name in ("time", "f", "n", "b", "s")]),
    "polars": lambda answer: rows_of(answer.to_polars().to_dict(as_series=False).values()),
    "arrow": lambda answer: rows_of(answer.to_arrow().to_pydict().values()),
}


@unittest.skipIf(pyarrow is None, "numpy, pandas, polars and pyarrow are not all there")
class RoundTrip(PlatformTest):
    def setUp(self):
        super().setUp()
        self.tables = 0

    def table(self):
        self.tables += 1
        name = "m{}".format(self.tables)
        body = {"namespace_name": name, "partitioning_field": "device_id", "fields": dict(FIELDS, device_id="STRING")}
        status, reply = self.platform.call("POST", "/v1/namespaces", self.token, body)
        self.assertIn(status, (200, 201), reply)
        return name

    def test_the_same_data_is_stored_the_same_and_comes_back_the_same(self):
        seed = int(os.environ.get("IOBEAM_SEED") or random.randrange(2**32))
        client = self.client("d")
        for case in range(int(os.environ.get("IOBEAM_ROUND_TRIPS") or 4)):
            chance = random.Random(seed + case)
            data = random_data(chance)
            expected = [
                tuple(data[name][row] for name in ("time", "f", "n", "b", "s")) for row in range(len(data["time"]))
            ]
            for way, make in WAYS_IN.items():
                with self.subTest(way, seed=seed + case):
                    namespace = self.table()
                    client.write_frame(make(data), namespace=namespace, device="d", tz="UTC")
                    answer = client.sql("SELECT time, f, n, b, s FROM {} ORDER BY time".format(namespace))
                    for out, read in WAYS_OUT.items():
                        self.assertEqual(read(answer), expected, out)

    def test_what_json_sent_comes_back_the_same(self):
        data = random_data(random.Random(7))
        micros = [(at - EPOCH) // datetime.timedelta(microseconds=1) for at in data["time"]]
        columns = [micros] + [data[name] for name in ("f", "n", "b", "s")]
        namespace = self.table()
        body = {
            "project_id": self.project,
            "namespace": namespace,
            "timefmt": "usec",
            "labels": {"device_id": "d"},
            "data": {"fields": ["time", "f", "n", "b", "s"], "values": [list(row) for row in zip(*columns)]},
        }
        client = self.client("d")
        status, reply = self.platform.call("POST", "/v1/imports?fmt=table", self.token, body)
        self.assertEqual(status, 200, reply)
        answer = client.sql("SELECT time, f, n, b, s FROM {} ORDER BY time".format(namespace))
        expected = rows_of([data[name] for name in ("time", "f", "n", "b", "s")])
        for out, read in WAYS_OUT.items():
            self.assertEqual(read(answer), expected, out)

    def test_a_frame_that_came_out_goes_in_again(self):
        data = random_data(random.Random(11))
        client = self.client("d")
        namespace = self.table()
        client.write_frame(arrow_table(data), namespace=namespace, device="d")
        answer = client.sql("SELECT time, f, n, b, s FROM {} ORDER BY time".format(namespace))
        for frame in (answer.to_pandas(), answer.to_polars(), answer.to_arrow()):
            again = self.table()
            client.write_frame(frame, namespace=again, device="d")
            back = client.sql("SELECT time, f, n, b, s FROM {} ORDER BY time".format(again))
            self.assertEqual(back["result"][0]["values"], answer["result"][0]["values"], type(frame))


@unittest.skipIf(pyarrow is None, "numpy, pandas, polars and pyarrow are not all there")
class WholeNumbers(PlatformTest):
    def frames(self, values):
        """A column of whole numbers in each form there is."""
        times = [FIRST + datetime.timedelta(seconds=at) for at in range(len(values))]
        missing = [each is None for each in values]
        zeros = [0 if each is None else each for each in values]
        yield {"time": times, "n": values}
        yield {"time": times, "n": tuple(values)}
        yield {"time": times, "n": numpy.array(values, dtype=object)}
        yield {"time": times, "n": [None if each is None else decimal.Decimal(each) for each in values]}
        yield {"time": times, "n": [None if each is None else numpy.int64(each) for each in values]}
        yield {"time": times, "n": numpy.ma.array(numpy.array(zeros, "i8"), mask=missing)}
        yield {"time": times, "n": numpy.ma.array(numpy.array(zeros, ">i8"), mask=missing)}
        yield {"time": times, "n": pyarrow.array(values, pyarrow.int64())}
        yield {"time": times, "n": pyarrow.array(values, pyarrow.int64()).dictionary_encode()}
        yield {"time": times, "n": pyarrow.array(values, pyarrow.decimal128(25, 2))}
        yield {"time": times, "n": polars.Series(values, dtype=polars.Int64)}
        yield pandas.DataFrame({"time": times, "n": pandas.array(values, dtype="Int64")})
        yield pandas.DataFrame({"time": times, "n": pandas.Series(values, dtype=object)})
        yield pandas.DataFrame({"time": times, "n": pandas.array(values, dtype=pandas.ArrowDtype(pyarrow.int64()))})
        if all(each is None or each >= 0 for each in values):
            yield pandas.DataFrame({"time": times, "n": pandas.array(values, dtype="UInt64")})
            yield {"time": times, "n": pyarrow.array(values, pyarrow.uint64())}
        if duckdb is not None:
            held = pyarrow.table({"time": times, "n": pyarrow.array(values, pyarrow.int64())})  # noqa: F841
            yield duckdb.sql("SET TimeZone='UTC'; SELECT time, n FROM held")

    def test_beyond_2_to_the_53_they_are_exact_in_a_LONG_field_and_refused_elsewhere(self):
        client = self.client("d")
        for case, values in enumerate(([BIG, None], [None, 2**63 - 1, -(2**63), 0], [BIG, 0])):
            for at, frame in enumerate(self.frames(values)):
                with self.subTest(values=values, form=at):
                    name = "m{}_{}".format(case, at)
                    fields = {"device_id": "STRING", "n": "LONG"}
                    body = {"namespace_name": name, "partitioning_field": "device_id", "fields": fields}
                    self.platform.call("POST", "/v1/namespaces", self.token, body)
                    client.write_frame(frame, namespace=name, device="d")
                    rows = self.platform.sql("SELECT n FROM {} ORDER BY time".format(name), self.token)
                    self.assertEqual(rows, [[each] for each in values])
                    with self.assertRaisesRegex(iobeam.request.Error, "'n'"):
                        client.write_frame(frame)
        self.assertEqual(self.count(), 0)

    def test_beside_fractions_they_are_refused_with_the_row(self):
        client = self.client("d")
        for values in ([0.5, BIG], [BIG, 1e300], [None, decimal.Decimal("0.5"), decimal.Decimal(BIG)]):
            with self.assertRaisesRegex(ValueError, "column 'n'.*{}".format(BIG)):
                client.write_frame({"time": [FIRST] * len(values), "n": values})
        client.write_frame({"time": [FIRST] * 3, "n": [2**53, 0.5, None]})
        self.assertEqual(sorted(self.rows("n"), key=str), [[0.5], [float(2**53)], [None]])

    def test_what_no_field_holds_is_refused(self):
        client = self.client("d")
        for values, said in (
            ([2**64], "64 bits"),
            (numpy.array([2**63], "u8"), "row 0"),
            (pyarrow.array([2**63], pyarrow.uint64()), "row 0"),
            ([decimal.Decimal(2**70)], "64 bits"),
            ([decimal.Decimal(BIG * 10 + 5) / 10], "digits"),
            (pyarrow.array([decimal.Decimal(2**70)], pyarrow.decimal128(38, 0)), "64 bits"),
            ([2 + 1j], "complex"),
            (numpy.array([1j]), "complex"),
        ):
            with self.assertRaisesRegex(ValueError, "'n'.*{}".format(said), msg=repr(values)):
                client.write_frame({"time": [FIRST], "n": values})
        # What is masked is looked at by nobody.
        client.write_frame({"time": [FIRST], "n": numpy.ma.array(numpy.array([2**64 - 1], "u8"), mask=[True]), "a": [1]})
        self.assertEqual(self.count(), 1)

    def test_rows_of_a_store_are_exact_too(self):
        store = iobeam.DataStore(["n"])
        for value in (decimal.Decimal(BIG), numpy.uint64(BIG), BIG):
            store.add(1, {"n": value})
        self.assertEqual([row["n"] for row in store.rows()], [BIG] * 3)
        self.assertTrue(all(isinstance(row["n"], int) for row in store.rows()))


if __name__ == "__main__":
    unittest.main()
