"""Whole tables in: from numpy, pandas, polars and pyarrow, with everything that stands in them."""

import datetime
import signal
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


def to_micros(moment):
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)


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
            ({"time": [FIRST], "a": [datetime.timedelta(1)]}, "timedelta"),
            ({"time": [FIRST], "a": [datetime.time(1)]}, "time"),
            ({"time": [FIRST], "a": [b"x"]}, "bytes"),
            ({"time": [FIRST], "a": "x"}, "list or an array"),
            ({"time": [FIRST], "temp": [1], "Temp": [2]}, "'temp' and 'Temp' differ in letter case"),
        ):
            with self.assertRaisesRegex(ValueError, said, msg=str(table)):
                client.write_frame(table)
        for wrong in (5, "table", [1]):
            with self.assertRaises(ValueError):
                client.write_frame(wrong)
        with self.assertRaisesRegex(ValueError, "columns must be a list"):
            client.write_frame({"time": [FIRST], "a": [1]}, columns="a")

    def test_times_without_a_zone_are_in_the_zone_that_is_said(self):
        client = self.client("d")
        naive = FIRST.replace(tzinfo=None)
        midnight = datetime.datetime(2015, 3, 25, tzinfo=UTC)
        forms = [([naive], MICROS), ((naive,), MICROS), ([naive, FIRST], MICROS), ([naive.date()], to_micros(midnight))]
        if numpy is not None:
            forms += [
                (numpy.array([naive], "datetime64[us]"), MICROS),
                (numpy.array([naive], ">M8[us]"), MICROS),
                (numpy.array([naive], dtype=object), MICROS),
                ([numpy.datetime64(naive, "us")], MICROS),
                (numpy.array([naive.date()], "datetime64[D]"), to_micros(midnight)),
                (numpy.array(["2015-03-25T21"], "datetime64[h]"), to_micros(midnight.replace(hour=21))),
            ]
        if pandas is not None:
            forms += [
                (pandas.Series([naive]), MICROS),
                (pandas.Series([naive], dtype=object), MICROS),
                (pandas.DatetimeIndex([naive]), MICROS),
                ([pandas.Timestamp(naive)], MICROS),
            ]
        if pyarrow is not None:
            forms += [
                (pyarrow.array([naive], pyarrow.timestamp(unit)), MICROS // size * size)
                for unit, size in (("ns", 1), ("us", 1), ("ms", 1000), ("s", 10**6))
            ]
            forms += [(pyarrow.array([naive.date()], kind), to_micros(midnight)) for kind in (pyarrow.date32(), pyarrow.date64())]
        if polars is not None:
            forms += [
                (polars.Series([naive]), MICROS),
                (polars.Series([naive.date()]), to_micros(midnight)),
            ]
        for at, (times, wanted) in enumerate(forms):
            table = {"time": times, "a": [float(at)] * len(times)}
            with self.subTest(times=repr(times)):
                with self.assertRaisesRegex(ValueError, "tz=\"UTC\""):
                    client.write_frame(table)
                client.write_frame(table, tz="UTC")
                rows = self.rows("time", "a = {}".format(at))
                self.assertEqual(rows, [[wanted]] * len(times))

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

    def test_a_table_refused_half_way_says_what_is_stored_and_is_stored_once_when_it_is_written_again(self):
        self.platform.call("PATCH", "/v1/projects/{}".format(self.project), self.platform.user_token, {"auto_register": False})
        rows = 120_000
        table = {"t": list(range(rows)), "a": [float(row) for row in range(rows)], "who": ["d"] * 100_000 + ["ghost"] * 20_000}

        def write(client):
            return client.write_frame(table, "t", unit=MS, device_column="who")

        with self.assertRaisesRegex(package.RefusedError, "100000 of the 120000 rows are stored") as raised:
            write(self.client("d"))
        error = raised.exception
        self.assertEqual((error.stored_rows, error.refused_rows, error.waiting_rows), (100_000, 20_000, 0))
        self.assertEqual((error.not_stored, error.status), ([(100_000, 120_000)], 404))
        self.assertEqual(self.count(), 100_000)
        self.client("ghost")
        # Another client, as after the program was started again.
        with self.assertLogs("iobeam", "WARNING") as log:
            self.assertEqual(write(self.client("d")), rows)
            self.assertEqual(write(self.client("d")), rows)
        self.assertIn("120000 of the 120000 rows were stored before", log.output[-1])
        self.assertEqual(self.count(), rows)

    def test_a_table_is_stored_again_when_that_is_wanted(self):
        client = self.client("d")
        table = {"t": [1, 2], "a": [1, 2]}
        for again in (True, True, False):
            client.write_frame(table, "t", unit=MS, deduplicate=again)
        self.assertEqual(self.count(), 4)

    def test_a_table_that_did_not_arrive_waits_and_is_stored_once_when_it_is_written_again(self):
        client = self.client("d", timeout=0.3)
        self.platform.process.send_signal(signal.SIGSTOP)
        try:
            with self.assertRaisesRegex(package.NotSentError, "0 of the 2 rows are stored, and 2 wait") as raised:
                client.write_frame({"t": [1, 2], "a": [1, 2]}, "t", unit=MS, timeout=1)
            self.assertEqual((raised.exception.stored_rows, raised.exception.waiting_rows), (0, 2))
        finally:
            self.platform.process.send_signal(signal.SIGCONT)
        client.write_frame({"t": [1, 2], "a": [1, 2]}, "t", unit=MS)
        client.send()
        self.assertEqual(self.count(), 2)

    def test_of_a_table_that_cannot_be_stored_nothing_is_sent_and_nothing_waits(self):
        client = self.client("d")
        for wait in (True, False):
            with self.assertRaises(ValueError) as raised:
                client.write_frame({"t": list(range(200_000)), "a": [1.0] * 199_999 + ["x"]}, "t", unit=MS, wait=wait)
            self.assertEqual(raised.exception.stored_rows, 0)
            client.send()
        self.assertEqual(self.count(), 0)

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

    def test_whole_numbers_of_each_width_are_times(self):
        client = self.client()
        for kind in "i8 i4 i2 i1 u8 u4 u2 u1 >i8 >u2".split():
            client.write_frame({"t": numpy.array([7], kind), "a": [kind]}, "t", unit=iobeam.TimeUnit.SECONDS)
        self.assertEqual(self.rows("time"), [[7_000_000]] * 10)

    def test_what_a_mask_hides_is_missing(self):
        hide = [0, 1, 0]
        table = {"t": numpy.arange(3)}
        for kind in "f8 f4 f2 i8 i1 u8 u1 ? >f8 >i4".split():
            table["m" + "".join(filter(str.isalnum, kind)) + str(len(table))] = numpy.ma.array([1, 1, 1], kind, mask=hide)
        table["text"] = numpy.ma.array(["x", "y", "z"], mask=hide)
        table["object"] = numpy.ma.array(["x", "y", "z"], dtype=object, mask=hide)
        table["strided"] = numpy.ma.array(numpy.arange(6.0), mask=[1, 0, 0, 0, 0, 0])[::-1][1::2]
        table["every"] = numpy.ma.array([1, 2, 3], mask=True)
        table["none"] = numpy.ma.array([1.0, 2, 3])
        client = self.client()
        client.write_frame(table, "t", unit=MS)
        names = [name for name in table if name not in ("t", "strided", "every", "none")]
        for row, shown in zip(self.rows(", ".join('"{}"'.format(name) for name in names)), (True, False, True)):
            self.assertEqual([each is not None for each in row], [shown] * len(names))
        self.assertEqual(self.rows('"strided", "none"'), [[4.0, 1.0], [2.0, 2.0], [None, 3.0]])
        times = numpy.ma.array(numpy.array([1, 2], "M8[s]"), mask=[0, 1])
        with self.assertRaisesRegex(ValueError, "no value in row 1"):
            client.write_frame({"time": times, "a": [1, 2]}, tz="UTC")

    def test_durations_are_refused_in_each_unit(self):
        for unit in ("ns", "us", "ms", "s"):
            for order in "<>":
                with self.assertRaisesRegex(ValueError, "column 'a': durations"):
                    self.client().write_frame({"t": [1], "a": numpy.array([1], "{}m8[{}]".format(order, unit))}, "t", unit=MS)

    def test_records_are_a_table(self):
        records = numpy.array([(1, 0.5), (2, 1.5)], dtype=[("t", "i8"), ("a", "f4")])
        self.client().write_frame(records, "t", unit=MS)
        self.assertEqual(self.rows("time, a"), [[1000, 0.5], [2000, 1.5]])

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

    def test_named_levels_of_the_index_are_columns_and_times_in_it_are_the_time(self):
        client = self.client("me")
        self.client("x")
        self.client("y")
        moments = pandas.to_datetime([FIRST, FIRST + datetime.timedelta(seconds=1)], utc=True)
        flat = pandas.DataFrame({"device_id": ["x", "y"], "time": moments, "a": [1.0, 2.0]})
        forms = [
            flat,
            flat.set_index("device_id"),
            flat.set_index("time"),
            flat.set_index(["time", "device_id"]),
            flat.set_index(["device_id", "time"]),
            flat[["device_id", "a"]].set_index(pandas.DatetimeIndex(moments)),
            flat[flat["a"] > 0].set_index(pandas.Index([7, 9])),
            {"time": flat.set_index("time").index, "device_id": flat.set_index("device_id").index, "a": flat["a"]},
        ]
        for at, form in enumerate(forms):
            client.write_frame(form, deduplicate=False)
            rows = self.rows("time, device_id, a")
            expected = [[MICROS, "x", 1.0]] * (at + 1) + [[MICROS + 1_000_000, "y", 2.0]] * (at + 1)
            self.assertEqual(rows, expected, at)
        client.write_frame(flat.set_index("device_id"), columns=["a"], deduplicate=False)
        self.assertEqual(self.rows("a", "device_id = 'me'"), [[1.0], [2.0]])

    def test_an_index_of_which_it_is_not_known_what_it_is_is_refused_with_the_way_out(self):
        client = self.client("me")
        frame = self.frame()[["ts", "number"]]
        wrong = [
            frame.set_index(pandas.Index(["x", "y"])),
            frame.set_index(pandas.DatetimeIndex(frame["ts"]).rename(None)).rename(columns={"ts": "time"}),
            frame.set_index(pandas.MultiIndex.from_tuples([("x", 1), ("y", 2)])),
            frame.set_index(pandas.Index([0.5, 1.5])),
            frame.set_index(pandas.Index(["x", "y"], name="number")),
        ]
        for each in wrong:
            time = "time" if "time" in each.columns else "ts"
            with self.assertRaisesRegex(ValueError, r"index.*reset_index\("):
                client.write_frame(each, time=time)
            client.write_frame(each.reset_index(drop=True), time=time)
        self.assertEqual(self.count(), 2, "the same table each time")

    def test_two_columns_of_one_name_are_refused_by_it(self):
        frame = pandas.DataFrame([[FIRST, 1, 2]], columns=["time", "a", "a"])
        tables = [frame, pandas.DataFrame([[FIRST, 1, 2]], columns=["time", 1, "1"])]
        if pyarrow is not None:
            tables.append(pyarrow.table([pyarrow.array([FIRST]), pyarrow.array([1]), pyarrow.array([2])], names=["time", "a", "a"]))
        for table in tables:
            with self.assertRaisesRegex(ValueError, "two columns '[a1]'"):
                self.client().write_frame(table)

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

    def test_decimals_dictionaries_runs_and_half_floats_are_what_they_stand_for(self):
        import decimal

        amount = [decimal.Decimal("12.34"), None, decimal.Decimal("-5.00")]
        columns = {
            "ts": pyarrow.array([MICROS, MICROS + 1, MICROS + 2], pyarrow.timestamp("us", tz="UTC")),
            "d128": pyarrow.array(amount, pyarrow.decimal128(38, 2)),
            "d256": pyarrow.array(amount, pyarrow.decimal256(60, 2)),
            "half": pyarrow.array(numpy.array([0.5, 0, -65504], "f2")) if numpy is not None else pyarrow.nulls(3),
            "whole": pyarrow.array([10, None, 10]).dictionary_encode(),
            "dates": pyarrow.array([1.5, 2.5, 1.5]).dictionary_encode(),
            "truths": pyarrow.array([True, None, False]).dictionary_encode(),
            "runs": pyarrow.RunEndEncodedArray.from_arrays([2, 3], pyarrow.array(["x", None])),
        }
        for width in ("decimal32", "decimal64"):
            if hasattr(pyarrow, width):
                columns[width] = pyarrow.array(amount, getattr(pyarrow, width)(9, 2))
        table = pyarrow.table(columns)
        client = self.client("d")
        client.write_frame(pyarrow.concat_tables([table.slice(0, 1), table.slice(1)]), time="ts")
        numbers = [12.34, None, -5.0]
        for name in columns:
            if name.startswith("d") and name != "dates":
                self.assertEqual([row[0] for row in self.rows(name)], numbers, name)
        expected = [[10.0, 1.5, True, "x"], [None, 2.5, None, "x"], [10.0, 1.5, False, None]]
        self.assertEqual(self.rows("whole, dates, truths, runs"), expected)
        self.assertEqual([row[0] for row in self.rows("half")], [0.5, 0.0, -65504.0])

    def test_an_extension_type_is_what_it_is_stored_as(self):
        class Celsius(pyarrow.ExtensionType):
            def __init__(self):
                super().__init__(pyarrow.float64(), "test.celsius")

            def __arrow_ext_serialize__(self):
                return b""

        column = pyarrow.ExtensionArray.from_storage(Celsius(), pyarrow.array([21.5, None]))
        self.client().write_frame(pyarrow.table({"ts": arrow_table()["ts"], "a": column}), time="ts")
        self.assertEqual(self.rows("a"), [[21.5], [None]])

    def test_a_stream_that_cannot_be_stored_from_some_part_on_says_what_is_stored(self):
        schema = pyarrow.schema([("t", pyarrow.int64()), ("a", pyarrow.float64())])
        parts = [pyarrow.record_batch([[1, 2], [1.0, 2.0]], schema=schema), pyarrow.record_batch([[3], [float("inf")]], schema=schema)]
        client = self.client("d")
        with self.assertRaisesRegex(ValueError, "infinite.*2 of the 2 rows are stored") as raised:
            client.write_frame(pyarrow.RecordBatchReader.from_batches(schema, parts), "t", unit=MS)
        self.assertEqual(raised.exception.stored_rows, 2)
        parts[1] = pyarrow.record_batch([[3], [3.0]], schema=schema)
        client.write_frame(pyarrow.RecordBatchReader.from_batches(schema, parts), "t", unit=MS)
        self.assertEqual(self.rows("a"), [[1.0], [2.0], [3.0]])

    def test_what_cannot_be_stored_is_named(self):
        moment = arrow_table()["ts"]
        for values, kind, said in (
            ([1, 2], pyarrow.duration("ns"), "durations"),
            ([1, 2], pyarrow.duration("s"), "durations"),
            ([1, 2], pyarrow.time32("s"), "times of the day"),
            ([b"x", b"y"], pyarrow.binary(), "binary values"),
        ):
            with self.assertRaisesRegex(ValueError, "column 'a'.*" + said):
                self.client().write_frame(pyarrow.table({"ts": moment, "a": pyarrow.array(values, kind)}), time="ts")
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
