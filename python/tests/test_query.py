"""Questions, and the ways out of an answer."""

import datetime
import unittest

from iobeam import iobeam
from iobeam.resources.answer import Answer
from iobeam.resources.query import Query, TimeUnit
from tests.platform_process import PlatformTest


class Questions(unittest.TestCase):
    def test_the_path_names_project_device_and_series_or_all(self):
        self.assertEqual(Query(5).getUrl(), "5/all/all")
        self.assertEqual(Query(5, "d").getUrl(), "5/d/all")
        self.assertEqual(Query(5, deviceId="d", seriesName="s").getUrl(), "5/d/s")
        self.assertEqual(Query(5, seriesName="s").getUrl(), "5/all/s")

    def test_steps_are_parameters(self):
        query = Query(5).limit(3).fromTime(1).toTime(2).lessThan(9).greaterThan(4).equals(5)
        self.assertEqual(
            query.getParams(),
            {"limit": 3, "from": 1, "to": 2, "less_than": 9, "greater_than": 4, "equals": 5},
        )

    def test_times_are_in_the_querys_unit_and_sent_in_milliseconds(self):
        self.assertEqual(Query(5, timeUnit=TimeUnit.SECONDS).fromTime(3).getParams()["from"], 3000)
        self.assertEqual(Query(5, timeUnit=TimeUnit.MICROSECONDS).toTime(3999).getParams()["to"], 3)
        moment = datetime.datetime(1970, 1, 1, 0, 0, 5, tzinfo=datetime.timezone.utc)
        self.assertEqual(Query(5).fromTime(moment).getParams()["from"], 5000)

    def test_none_does_nothing(self):
        query = Query(5).limit(None).fromTime(None).toTime(None).inTimeRange(None, None).lessThan(None)
        query.greaterThan(None).inValueRange(None, None).equals(None)
        self.assertEqual(query.getParams(), {})

    def test_ranges_must_not_be_reversed(self):
        self.assertEqual(Query(5).inTimeRange(1, 1).getParams()["to"], 1)
        params = Query(5).inValueRange(-0.5, 4).getParams()
        self.assertEqual((params["greater_than"], params["less_than"]), (-0.5, 4))
        with self.assertRaises(ValueError):
            Query(5).inTimeRange(2, 1)
        with self.assertRaises(ValueError):
            Query(5).inValueRange(2, 1)

    def test_what_is_no_number_is_refused(self):
        for step in ("limit", "fromTime", "toTime", "lessThan", "greaterThan", "equals"):
            with self.assertRaises(ValueError, msg=step):
                getattr(Query(5), step)("3")
        for wrong in (0, -1, 2.5):
            with self.assertRaises(ValueError):
                Query(5).limit(wrong)
        with self.assertRaises(ValueError):
            Query(5).fromTime(1.5)

    def test_the_project_must_be_a_number_above_0(self):
        for wrong in (0, -1, None, "5", 1.5):
            with self.assertRaises(ValueError):
                Query(wrong)
        with self.assertRaises(ValueError):
            Query(5, timeUnit="sec")


REPLY = {"result": [{"fields": ["time", "device_id", "a"], "values": [[2, "d", 2.5], [1, "d", None]]}]}


class Answers(unittest.TestCase):
    def test_an_answer_is_the_dictionary_and_a_table(self):
        answer = Answer.of(REPLY, "sec")
        self.assertEqual(answer, REPLY)
        self.assertEqual(answer.columns(), {"time": [2, 1], "device_id": ["d", "d"], "a": [2.5, None]})
        self.assertEqual(answer.rows()[1], {"time": 1, "device_id": "d", "a": None})

    def test_series_are_a_table_too(self):
        part = {"project_id": 1, "device_id": "d", "name": "a", "data": [{"time": 1, "value": 5}]}
        answer = Answer({"result": [part, dict(part, name="b")], "timefmt": "msec"})
        self.assertEqual([row["name"] for row in answer.rows()], ["a", "b"])

    def test_nothing_is_a_table_without_rows(self):
        self.assertEqual(Answer({"result": []}).rows(), [])
        self.assertEqual(Answer({"errors": [{}]}).rows(), [])

    def test_pandas_gets_times_in_utc(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not there")
        frame = Answer.of(REPLY, "sec").to_pandas()
        self.assertEqual(list(frame.columns), ["time", "device_id", "a"])
        self.assertEqual(frame["time"][0], pandas.Timestamp(2, unit="s", tz="UTC"))
        self.assertTrue(pandas.isna(frame["a"][1]))

    def test_arrow_gets_times_in_utc(self):
        try:
            import pyarrow
        except ImportError:
            self.skipTest("pyarrow is not there")
        table = Answer.of(REPLY, "msec").to_arrow()
        self.assertEqual(table.schema.field("time").type, pyarrow.timestamp("us", tz="UTC"))
        self.assertEqual(table["a"].to_pylist(), [2.5, None])

    def test_polars_gets_times_in_utc(self):
        try:
            import polars
        except ImportError:
            self.skipTest("polars is not there")
        frame = Answer.of(REPLY, "usec").to_polars()
        self.assertEqual(frame["time"].dtype, polars.Datetime("us", "UTC"))
        self.assertEqual(frame["a"].to_list(), [2.5, None])


def module(name):
    try:
        return __import__(name)
    except ImportError:
        return None


TYPED = {
    "result": [
        {
            "fields": ["hour", "n", "x", "ok", "s", "day", "clock", "sum", "big", "span", "nothing"],
            "types": "TIMESTAMP LONG DOUBLE BOOLEAN STRING DATE TIME DECIMAL DECIMAL INTERVAL NULL".split(),
            "values": [
                [1000, 2**53 + 1, 1.5, True, "a", "2026-01-02", "01:02:03.5", 5, 2**64, "1 day", None],
                [None] * 11,
            ],
        }
    ],
    "timefmt": "usec",
}


class Types(unittest.TestCase):
    """Columns are what the reply says that they are, whatever they are called and whatever is in them."""

    def empty(self):
        part = dict(TYPED["result"][0], values=[])
        return Answer.of(dict(TYPED, result=[part]), "usec")

    def missing(self):
        part = dict(TYPED["result"][0], values=[[None] * 11])
        return Answer.of(dict(TYPED, result=[part]), "usec")

    @unittest.skipIf(module("pandas") is None, "pandas is not there")
    def test_in_pandas(self):
        import pandas

        frame = Answer.of(TYPED, "usec").to_pandas()
        kinds = dict(frame.dtypes.astype(str))
        for name, kind in (
            ("hour", "datetime64[us, UTC]"), ("n", "Int64"), ("x", "float64"), ("ok", "boolean"), ("s", "string"),
            ("day", "datetime64[us]"), ("sum", "Int64"), ("big", "object"), ("span", "string"),
        ):
            self.assertEqual(kinds[name], kind, name)
        self.assertEqual(frame["hour"][0], pandas.Timestamp(1000, unit="us", tz="UTC"))
        self.assertEqual((int(frame["n"][0]), frame["big"][0]), (2**53 + 1, 2**64))
        self.assertEqual(frame["day"][0], pandas.Timestamp("2026-01-02"))
        self.assertEqual(frame["clock"][0], datetime.time(1, 2, 3, 500000))
        self.assertTrue(frame.iloc[1].isna().all())
        for answer in (self.empty(), self.missing()):
            others = dict(answer.to_pandas().dtypes.astype(str))
            self.assertEqual({name: others[name] for name in others if name != "big"}, {name: kinds[name] for name in kinds if name != "big"})
        self.assertTrue(self.missing().to_pandas().isna().all().all())

    @unittest.skipIf(module("polars") is None, "polars is not there")
    def test_in_polars(self):
        import polars

        frame = Answer.of(TYPED, "usec").to_polars()
        kinds = [
            polars.Datetime("us", "UTC"), polars.Int64, polars.Float64, polars.Boolean, polars.String, polars.Date, polars.Time,
            polars.Int64, polars.Decimal(38, 0), polars.String, polars.Null,
        ]
        self.assertEqual(frame.dtypes, kinds)
        self.assertEqual((frame["n"][0], int(frame["big"][0]), frame["day"][0]), (2**53 + 1, 2**64, datetime.date(2026, 1, 2)))
        for answer in (self.empty(), self.missing()):
            self.assertEqual([a for a in answer.to_polars().dtypes][:8], kinds[:8])

    @unittest.skipIf(module("pyarrow") is None, "pyarrow is not there")
    def test_in_arrow(self):
        import pyarrow

        table = Answer.of(TYPED, "usec").to_arrow()
        kinds = [
            pyarrow.timestamp("us", "UTC"), pyarrow.int64(), pyarrow.float64(), pyarrow.bool_(), pyarrow.string(), pyarrow.date32(),
            pyarrow.time64("us"), pyarrow.int64(), pyarrow.decimal128(38, 0), pyarrow.string(), pyarrow.null(),
        ]
        self.assertEqual(table.schema.types, kinds)
        self.assertEqual((table["n"][0].as_py(), int(table["big"][0].as_py())), (2**53 + 1, 2**64))
        for answer in (self.empty(), self.missing()):
            self.assertEqual(answer.to_arrow().schema.types[:8], kinds[:8])

    def test_a_name_that_stands_twice_is_two_columns(self):
        part = {"fields": ["a", "a", "a_2", "a"], "types": ["LONG"] * 4, "values": [[1, 2, 3, 4]]}
        answer = Answer.of({"result": [part]}, "usec")
        self.assertEqual(answer.rows(), [{"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}])
        for library, to in (("pandas", "to_pandas"), ("polars", "to_polars"), ("pyarrow", "to_arrow")):
            if module(library):
                self.assertEqual(getattr(answer, to)().shape, (1, 4))

    @unittest.skipIf(module("pandas") is None, "pandas is not there")
    def test_times_are_read_in_each_format(self):
        for unit, time in (
            ("sec", 5), ("msec", 5000), ("usec", 5_000_000), ("timeval", {"sec": 5, "usec": 0}), ("iso", "1970-01-01T00:00:05Z"),
            ("iso", "1970-01-01T00:00:05.000000Z"),
        ):
            part = {"fields": ["time", "at"], "types": ["TIMESTAMP"] * 2, "values": [[time, None]]}
            frame = Answer.of({"result": [part]}, unit).to_pandas()
            self.assertEqual(frame["time"][0].timestamp(), 5.0, unit)
            self.assertTrue(frame["at"].isna().all())

    @unittest.skipIf(module("pyarrow") is None, "pyarrow is not there")
    def test_times_in_words_are_read_in_each_year(self):
        for text, micros in (
            ("2026-01-01T00:00:00.000001Z", 1767225600000001), ("0000-01-01T00:00:00Z", -62167219200000000),
            ("-0044-03-15T12:00:00.5Z", -63549316799500000), ("+10000-01-01T00:00:00Z", 253402300800000000),
        ):
            part = {"fields": ["time"], "types": ["TIMESTAMP"], "values": [[text]]}
            column = Answer.of({"result": [part]}, "iso").to_arrow()["time"]
            self.assertEqual(column[0].value, micros, text)

    def test_values_of_several_kinds_in_one_column_are_made_none_of_them(self):
        series = [
            {"project_id": 1, "device_id": "d", "name": name, "data": [{"time": 1, "value": value}]}
            for name, value in (("a", 1.5), ("s", "x"))
        ]
        answer = Answer.of({"result": series}, "msec")
        self.assertEqual([row["value"] for row in answer.rows()], [1.5, "x"])
        for library, to in (("polars", "to_polars"), ("pyarrow", "to_arrow")):
            if module(library):
                with self.assertRaisesRegex(ValueError, "column 'value'.*one series at a time"):
                    getattr(answer, to)()
        if module("pandas"):
            self.assertEqual(list(answer.to_pandas()["value"]), [1.5, "x"])

    @unittest.skipIf(module("pyarrow") is None, "pyarrow is not there")
    def test_decimals_have_all_their_digits(self):
        text = '{"result":[{"fields":["d"],"types":["DECIMAL(38, 20)"],"values":[[1.12345678901234567890],[null]]}],"timefmt":"usec"}'
        import decimal
        import json

        table = Answer.of(json.loads(text), "usec", text.encode()).to_arrow()
        self.assertEqual(table["d"].to_pylist(), [decimal.Decimal("1.12345678901234567890"), None])


class Asking(PlatformTest):
    def test_parameters_are_taken_as_add_takes_values(self):
        import decimal

        client = self.client("d")
        store = client.createDataStore(["a", "ok", "s"])
        moment = datetime.datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=datetime.timezone.utc)
        store.add(moment, {"a": 12.5, "ok": True, "s": "x"})
        client.send()
        values = [
            ("time = $1", moment),
            ("time = $1", moment.astimezone(datetime.timezone(datetime.timedelta(hours=5)))),
            ("time = $1", client.now().__class__(1767225600000005, iobeam.TimeUnit.MICROSECONDS)),
            ("CAST(time AS DATE) = $1", moment.date()),
            ("a = $1", decimal.Decimal("12.5")),
            ("a > $1", decimal.Decimal(12)),
            ("ok = $1", True),
            ("s = $1", "x"),
            ("$1 IS NULL", None),
            ("a < $1", 13),
        ]
        if module("numpy"):
            import numpy

            values += [("a > $1", numpy.int64(12)), ("a = $1", numpy.float32(12.5)), ("ok = $1", numpy.bool_(True)), ("s = $1", numpy.str_("x"))]
        if module("pandas"):
            import pandas

            values += [("time = $1", pandas.Timestamp(moment)), ("$1 IS NULL", pandas.NaT), ("$1 IS NULL", pandas.NA)]
        for where, value in values:
            with self.subTest(where, value=value):
                answer = client.sql("SELECT count(*) AS n FROM input WHERE " + where, [value])
                self.assertEqual(answer.rows(), [{"n": 1}])
        naive = moment.replace(tzinfo=None)
        for wrong, said in (("x", "a list"), (b"x", "a list"), ({"a": 1}, "a list"), (5, "a list"), ([naive], "zone"), ([[1]], "list is no value"), ([2**70], "64 bits")):
            with self.assertRaisesRegex(ValueError, said):
                client.sql("SELECT $1", wrong)

    def test_more_or_fewer_parameters_than_the_question_uses_are_refused(self):
        client = self.client("d")
        for question, params, said in (
            ("SELECT 1", [1], "1 values.*no \\$1"),
            ("SELECT $1", [1, 2], "2 values.*\\$1 alone"),
            ("SELECT $1, $3", [1, 2], "2 values.*\\$1 to \\$3"),
            ("SELECT $1", [], "0 values.*\\$1 alone"),
            ("SELECT '$1', \"a\" -- $2", [1], "no \\$1"),
        ):
            with self.assertRaisesRegex(iobeam.request.UnknownCodeError, said):
                client.sql(question, params)
        self.assertEqual(client.sql("SELECT $1 AS a, $1 AS b, $2 AS c", [1, "x"]).rows(), [{"a": 1, "b": 1, "c": "x"}])

    def test_a_sum_beyond_64_bits_is_exact(self):
        if module("pandas") is None or module("pyarrow") is None:
            self.skipTest("pandas and pyarrow are not both there")
        client = self.client("d")
        fields = {"device_id": "STRING", "n": "LONG"}
        body = {"namespace_name": "m", "partitioning_field": "device_id", "fields": fields}
        self.platform.call("POST", "/v1/namespaces", self.token, body)
        client.write_frame({"t": [1, 2], "n": [2**63 - 1, 2**63 - 1]}, "t", unit=iobeam.TimeUnit.SECONDS, namespace="m", device="d")
        answer = client.sql("SELECT sum(n) AS s, min(n) AS m FROM m")
        self.assertEqual(answer.rows(), [{"s": 2**64 - 2, "m": 2**63 - 1}])
        self.assertEqual(int(answer.to_pandas()["s"][0]), 2**64 - 2)
        self.assertEqual(int(answer.to_arrow()["s"][0].as_py()), 2**64 - 2)

    def test_a_device_is_picked_and_what_is_no_parameter_is_refused(self):
        for device in ("x", "y"):
            client = self.client(device)
            client.createDataStore(["a"]).add(1, {"a": ord(device)})
            client.send()
        self.assertEqual(client.data("a", device_id="x").rows(), [{"time": 1000, "a": 120.0}])
        self.assertEqual(client.data("a", device_id="x", where="gt(a,200)").rows(), [])
        with self.assertRaisesRegex(ValueError, "no parameter 'city'.*eq\\(city"):
            client.data("a", city="Oslo")

    def test_what_was_sent_is_what_is_asked_for(self):
        client = self.client("d")
        store = client.createDataStore(["a", "b"])
        for second in range(5):
            store.add(iobeam.Timestamp(second, iobeam.TimeUnit.SECONDS), {"a": second, "b": -second})
        client.send()
        query = iobeam.QueryReq(self.project, "d", "a", timeUnit=iobeam.TimeUnit.SECONDS)
        query.inTimeRange(1, 4).greaterThan(1).limit(2)
        reply = iobeam.makeQuery(self.token, query, self.platform.backend)
        self.assertIsInstance(reply, dict)
        self.assertEqual({row["value"] for row in reply.rows()}, {3.0, 4.0})
        self.assertEqual(reply["result"][0]["device_id"], "d")
        self.assertEqual([row["a"] for row in client.data("a", limit=2).rows()], [4.0, 3.0])
        answer = client.sql("SELECT max(a) AS a FROM input WHERE b < $1", [-2])
        self.assertEqual(answer.rows(), [{"a": 4.0}])

    def test_a_wrong_answer_of_the_old_query_is_given_as_it_is(self):
        reply = iobeam.makeQuery("wrong", iobeam.QueryReq(self.project), self.platform.backend)
        self.assertTrue(reply["errors"])
        for wrong in (None, 5, "q"):
            with self.assertRaises(ValueError):
                iobeam.makeQuery(self.token, wrong, self.platform.backend)
        with self.assertRaises(ValueError):
            iobeam.makeQuery(None, iobeam.QueryReq(1), self.platform.backend)

    def test_columns_of_data_are_what_their_fields_are_also_without_rows(self):
        body = {"namespace_name": "typed", "partitioning_field": "device_id"}
        body["fields"] = {"device_id": "STRING", "n": "LONG", "ok": "BOOLEAN", "s": "STRING", "x": "DOUBLE"}
        self.platform.call("POST", "/v1/namespaces", self.token, body)
        client = self.client("d")
        empty = client.data(namespace="typed")
        client.write_frame({"time": [1], "n": [None], "ok": [None], "s": [None], "x": [1]}, unit=iobeam.TimeUnit.SECONDS, namespace="typed", device="d")
        client.write_frame({"time": [2], "n": [2**53 + 1]}, unit=iobeam.TimeUnit.SECONDS, namespace="typed", device="d")
        for answer in (empty, client.data(namespace="typed", limit=1), client.data("n", namespace="typed")):
            types = dict(zip(answer["result"][0]["fields"], answer["result"][0]["types"]))
            self.assertEqual((types["time"], types["n"]), ("TIMESTAMP", "LONG"))
            if module("pandas"):
                frame = answer.to_pandas()
                self.assertEqual((str(frame["time"].dtype), str(frame["n"].dtype)), ("datetime64[us, UTC]", "Int64"))
                self.assertTrue(frame["n"].dropna().isin([2**53 + 1]).all())
            if module("polars"):
                import polars

                self.assertEqual(answer.to_polars().schema["n"], polars.Int64)

    def test_a_wrong_question_of_the_new_ones_raises_what_the_server_says(self):
        with self.assertRaisesRegex(iobeam.request.UnknownCodeError, "nowhere"):
            self.client().sql("SELECT * FROM nowhere")

    def test_arrow_comes_without_a_detour(self):
        try:
            import pyarrow
        except ImportError:
            self.skipTest("pyarrow is not there")
        client = self.client()
        store = client.createDataStore(["a"])
        store.add(1, {"a": 5})
        client.send()
        table = client.sql_arrow("SELECT time, a FROM input")
        self.assertIsInstance(table, pyarrow.Table)
        self.assertEqual(table["a"].to_pylist(), [5.0])


if __name__ == "__main__":
    unittest.main()
