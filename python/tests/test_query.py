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


class Asking(PlatformTest):
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
