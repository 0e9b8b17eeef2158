"""Whole tables in: from numpy, pandas, polars and pyarrow, with everything that stands in them."""

import datetime
import unittest

import iobeam as package
from iobeam import iobeam
from tests.platform_process import PlatformTest

try:
    import numpy
except ImportError:
    numpy = None
try:
    import pandas
except ImportError:
    pandas = None
try:
    import polars
except ImportError:
    polars = None
try:
    import pyarrow
except ImportError:
    pyarrow = None

UTC = datetime.timezone.utc
FIRST = datetime.datetime(2015, 3, 25, 21, 28, 8, 123456, tzinfo=UTC)
MICROS = 1427318888123456
MS = iobeam.TimeUnit.MILLISECONDS


class Lists(PlatformTest):
    def test_a_dictionary_of_lists_is_a_table(self):
        client = self.client("d")
        table = {"time": [FIRST, FIRST], "a": [1, 2.5], "b": ["x", None], "c": [None, True], "none": [None, None]}
        self.assertEqual(client.write_frame(table), 2)
        self.assertEqual(
            sorted(self.rows("time, device_id, a, b, c"), key=lambda row: row[2]),
            [[MICROS, "d", 1.0, "x", None], [MICROS, "d", 2.5, None, True]],
        )

    def test_whole_numbers_are_times_of_a_unit_that_is_said(self):
        client = self.client()
        table = {"ts": [1, 2], "a": [1.0, 2.0]}
        with self.assertRaisesRegex(ValueError, "unit="):
            client.write_frame(table, time="ts")
        client.write_frame(table, time="ts", unit=iobeam.TimeUnit.SECONDS)
        self.assertEqual(self.rows("time"), [[1_000_000], [2_000_000]])

    def test_what_is_wrong_is_named(self):
        client = self.client()
        for table, said in (
            ({"a": [1]}, "no column 'time'"),
            ({"time": [FIRST], "a": [1, 2]}, "2 values"),
            ({"time": [FIRST, None], "a": [1, 2]}, "row 1"),
            ({"time": [FIRST], "a": [float("inf")]}, "a"),
            ({"time": [FIRST], "a b": [1]}, "a b"),
            ({"time": [FIRST], "all": [1]}, "reserved"),
            ({"time": [FIRST, FIRST], "a": [1, "x"]}, "mixes"),
            ({"time": [FIRST.replace(tzinfo=None)], "a": [1]}, "zone"),
            ({"time": ["2015"], "a": [1]}, "neither"),
            ({"time": [FIRST], "a": [FIRST]}, "holds times"),
        ):
            with self.assertRaisesRegex(ValueError, said, msg=str(table)):
                client.write_frame(table)
        for wrong in (5, "table", [1]):
            with self.assertRaises(ValueError):
                client.write_frame(wrong)

    def test_rows_can_be_other_devices(self):
        client = self.client("relay")
        self.client("d1")
        self.client("d2")
        client.write_frame({"t": [1, 2], "who": ["d1", "d2"], "a": [1, 2]}, "t", unit=MS, device_column="who")
        client.write_frame({"t": [3], "a": [3], "left": [1]}, "t", unit=MS, device="d1", columns=["a"])
        self.assertEqual(self.rows("device_id, a"), [["d1", 1.0], ["d2", 2.0], ["d1", 3.0]])

    def test_rows_can_go_into_another_namespace(self):
        made = self.platform.call(
            "POST",
            "/v1/namespaces",
            self.token,
            {"namespace_name": "trips", "partitioning_field": "city", "fields": {"city": "STRING", "fare": "DOUBLE"}},
        )
        self.assertIn(made[0], (200, 201), made)
        client = self.builder().build()
        table = {"t": [1, 2], "city": ["Oslo", "Bergen"], "fare": [7.5, None]}
        self.assertEqual(client.write_frame(table, "t", unit=MS, namespace="trips"), 2)
        rows = self.platform.sql("SELECT time, city, fare FROM trips ORDER BY time", self.token)
        self.assertEqual(rows, [[1000, "Oslo", 7.5], [2000, "Bergen", None]])
        with self.assertRaisesRegex(ValueError, "cannot be used"):
            client.write_frame(table, "t", unit=MS, namespace="no name")

    def test_a_refused_table_is_an_error(self):
        client = self.client()
        client.write_frame({"t": [1], "a": [1]}, "t", unit=MS)
        with self.assertRaisesRegex(package.RefusedError, "DOUBLE"):
            client.write_frame({"t": [1], "a": ["x"]}, "t", unit=MS)

    def test_without_a_device_it_says_so(self):
        client = self.builder().build()
        with self.assertRaises(package.NoDeviceError):
            client.write_frame({"t": [1], "a": [1]}, "t", unit=MS)

    def test_without_waiting_it_is_sent_later(self):
        client = self.client(spool=self.folder + "/spool")
        client.write_frame({"t": [1], "a": [1]}, "t", unit=MS, wait=False)
        self.assertEqual((self.client().status().sent_rows, client.status().waiting_rows), (0, 1))
        client.send()
        self.assertEqual(self.count(), 1)


@unittest.skipIf(numpy is None, "numpy is not there")
class Arrays(PlatformTest):
    def test_arrays_of_every_kind(self):
        kinds = "f8 f4 i8 i4 i2 i1 u8 u4 u2 u1".split()
        table = {"time": numpy.array([1, 2, 3], "datetime64[s]")}
        table.update({kind: numpy.array([1, 2, 3], kind) for kind in kinds})
        table["strided"] = numpy.arange(6, dtype="f8")[::2]
        table["backward"] = numpy.arange(3, dtype="f8")[::-1]
        table["big"] = numpy.array([1, 2, 3], ">f8")
        table["truth"] = numpy.array([True, False, True])
        table["text"] = numpy.array(["x", "y", "z"])
        client = self.client()
        with self.assertRaisesRegex(ValueError, "tz=\"UTC\""):
            client.write_frame(table)
        client.write_frame(table, tz="UTC")
        for kind in kinds + ["big"]:
            self.assertEqual(self.rows('"{}"'.format(kind)), [[1.0], [2.0], [3.0]], kind)
        self.assertEqual(
            self.rows("time, strided, backward, truth, text"),
            [[1000000, 0.0, 2.0, True, "x"], [2000000, 2.0, 1.0, False, "y"], [3000000, 4.0, 0.0, True, "z"]],
        )

    def test_nan_is_no_value_and_many_rows_arrive_once(self):
        numbers = numpy.arange(230_000, dtype="f8")
        numbers[7] = numpy.nan
        client = self.client()
        client.write_frame({"t": numpy.arange(230_000), "a": numbers}, "t", unit=MS)
        answer = client.sql("SELECT count(*) AS n, count(a) AS some, count(DISTINCT a) AS d, sum(a) AS s FROM input")
        total = float(sum(range(230_000)) - 7)
        self.assertEqual(answer.rows(), [{"n": 230_000, "some": 229_999, "d": 229_999, "s": total}])


@unittest.skipIf(pandas is None, "pandas is not there")
class Pandas(PlatformTest):
    def frame(self):
        return pandas.DataFrame(
            {
                "ts": pandas.to_datetime([FIRST, FIRST + datetime.timedelta(seconds=1)], utc=True),
                "number": [1.5, float("nan")],
                "whole": pandas.array([5, None], dtype="Int64"),
                "truth": pandas.array([True, None], dtype="boolean"),
                "text": ["x", None],
                "string": pandas.array(["x", None], dtype="string"),
                "kind": pandas.Categorical(["x", "y"]),
                "plain": [True, False],
                "count": [7, 8],
            }
        )

    EXPECTED = [[MICROS, 1.5, 5.0, True, "x", "x", "x", True, 7.0], [MICROS + 1_000_000, None, None, None, None, None, "y", False, 8.0]]

    def test_each_kind_of_column_and_its_missing_values(self):
        client = self.client()
        self.assertEqual(client.write_frame(self.frame(), time="ts"), 2)
        self.assertEqual(self.rows("time, number, whole, truth, text, string, kind, plain, count"), self.EXPECTED)

    def test_columns_kept_by_arrow(self):
        if pyarrow is None:
            self.skipTest("pyarrow is not there")
        frame = self.frame().drop(columns="kind").convert_dtypes(dtype_backend="pyarrow")
        self.client().write_frame(frame, time="ts")
        expected = [row[:6] + row[7:] for row in self.EXPECTED]
        self.assertEqual(self.rows("time, number, whole, truth, text, string, plain, count"), expected)

    def test_times_of_other_zones_are_moments_and_naive_ones_are_refused(self):
        client = self.client()
        frame = self.frame()[["ts", "number"]]
        frame["ts"] = frame["ts"].dt.tz_convert("Asia/Kathmandu")
        client.write_frame(frame, time="ts")
        self.assertEqual(self.rows("time")[0], [MICROS])
        frame["ts"] = frame["ts"].dt.tz_localize(None)
        with self.assertRaisesRegex(ValueError, "tz_localize"):
            client.write_frame(frame, time="ts")

    def test_what_went_in_comes_out_as_a_frame(self):
        client = self.client()
        client.write_frame(self.frame()[["ts", "number", "text"]], time="ts")
        out = client.sql("SELECT time, number, text FROM input ORDER BY time").to_pandas()
        self.assertEqual(list(out["time"]), list(self.frame()["ts"]))
        self.assertEqual(out["number"][0], 1.5)


def arrow_table():
    kinds = pyarrow.table(
        {
            "ts": pyarrow.array([MICROS, MICROS + 1], pyarrow.timestamp("us", tz="UTC")),
            "f4": pyarrow.array([0.5, None], pyarrow.float32()),
            "i8": pyarrow.array([None, 5], pyarrow.int64()),
            "u2": pyarrow.array([4, 5], pyarrow.uint16()),
            "truth": pyarrow.array([None, True]),
            "text": pyarrow.array(["x", None]),
            "large": pyarrow.array([None, "größe"], pyarrow.large_string()),
            "words": pyarrow.array(["x", None]).dictionary_encode(),
            "nothing": pyarrow.nulls(2),
        }
    )
    return kinds


@unittest.skipIf(pyarrow is None, "pyarrow is not there")
class Arrow(PlatformTest):
    NAMES = "time, f4, i8, u2, truth, text, large, words"
    EXPECTED = [[MICROS, 0.5, None, 4.0, None, "x", None, "x"], [MICROS + 1, None, 5.0, 5.0, True, None, "größe", None]]

    def test_each_kind_of_column(self):
        self.client().write_frame(arrow_table(), time="ts")
        self.assertEqual(self.rows(self.NAMES), self.EXPECTED)

    def test_slices_and_chunks_and_batches(self):
        whole = pyarrow.concat_tables([arrow_table()] * 9)
        sliced = whole.slice(9, 4)
        self.client().write_frame(sliced, time="ts")
        rows = self.rows(self.NAMES)
        self.assertEqual(sorted(rows, key=str), sorted(self.EXPECTED * 2, key=str))
        self.client().write_frame(arrow_table().slice(1).to_batches()[0], time="ts")
        self.assertEqual(self.count(), 5)

    def test_views_of_text(self):
        if not hasattr(pyarrow, "string_view"):
            self.skipTest("this pyarrow has none")
        texts = ["short", None, "longer than twelve bytes", "ü"]
        table = pyarrow.table(
            {"ts": pyarrow.array(range(4), pyarrow.timestamp("ns", tz="UTC")), "a": pyarrow.array(texts, pyarrow.string_view())}
        )
        self.client().write_frame(table, time="ts")
        self.assertEqual(sorted(map(str, (row[0] for row in self.rows("a")))), sorted(map(str, texts)))

    def test_what_cannot_be_stored_is_named(self):
        table = pyarrow.table({"ts": arrow_table()["ts"], "a": pyarrow.array([[1], [2]])})
        with self.assertRaisesRegex(TypeError, "column 'a'"):
            self.client().write_frame(table, time="ts")


@unittest.skipIf(polars is None, "polars is not there")
class Polars(PlatformTest):
    def test_a_frame_goes_in_and_comes_out(self):
        frame = polars.DataFrame(
            {
                "ts": polars.Series([FIRST, FIRST], dtype=polars.Datetime("ms", "UTC")),
                "a": [1, None],
                "text": ["a text that is not short", None],
                "kind": polars.Series(["x", "y"], dtype=polars.Categorical),
                "truth": [True, None],
            }
        )
        client = self.client()
        self.assertEqual(client.write_frame(frame, time="ts"), 2)
        moment = MICROS // 1000 * 1000
        rows = sorted(self.rows("time, a, text, kind, truth"), key=lambda row: row[3])
        self.assertEqual(rows, [[moment, 1.0, "a text that is not short", "x", True], [moment, None, None, "y", None]])
        out = client.sql("SELECT time, a FROM input ORDER BY a").to_polars()
        self.assertEqual(out["time"].dtype, polars.Datetime("us", "UTC"))


if __name__ == "__main__":
    unittest.main()
