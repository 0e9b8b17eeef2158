"""Times, points, series and stores: what they take, what they refuse, and what comes back."""

import copy
import datetime
import decimal
import pickle
import threading
import time
import unittest

import iobeam as package
from iobeam import iobeam
from iobeam.resources import data
from iobeam.resources.data import DataPoint, DataSeries, DataStore, Timestamp, TimeUnit

UTC = datetime.timezone.utc


class Names(unittest.TestCase):
    def test_both_ways_of_importing_give_the_same_names(self):
        for name in (
            "ClientBuilder DataStore DataPoint DataSeries Timestamp TimeUnit QueryReq makeQuery fetchDeviceToken"
        ).split():
            self.assertIs(getattr(package, name), getattr(iobeam, name), name)

    def test_old_module_paths_hold_what_they_held(self):
        from iobeam.endpoints.devices import DeviceService, DuplicateIdError
        from iobeam.endpoints.exports import ExportService
        from iobeam.endpoints.imports import ImportService
        from iobeam.endpoints.tokens import TokenService
        from iobeam.http.request import Error, UnauthorizedError, UnknownCodeError, getRequester
        from iobeam.resources.device import Device
        from iobeam.resources.query import Query, TimeUnit as Unit
        from iobeam.utils import utils

        self.assertIs(Unit, TimeUnit)
        self.assertIs(Query, iobeam.QueryReq)
        self.assertTrue(issubclass(DuplicateIdError, Error))
        self.assertTrue(issubclass(UnknownCodeError, Error))
        self.assertFalse(issubclass(UnauthorizedError, Error))
        self.assertTrue(all((DeviceService, ExportService, ImportService, TokenService, getRequester)))
        self.assertTrue(Device(1, "d") and utils.getLogger())


class Timestamps(unittest.TestCase):
    def test_a_number_alone_is_milliseconds(self):
        self.assertEqual(Timestamp(5).asMicroseconds(), 5000)
        self.assertEqual(Timestamp(5).asMilliseconds(), 5)

    def test_units_convert_and_milliseconds_round_down(self):
        self.assertEqual(Timestamp(5, TimeUnit.SECONDS).asMicroseconds(), 5_000_000)
        self.assertEqual(Timestamp(5, unit=TimeUnit.SECONDS).asMilliseconds(), 5000)
        self.assertEqual(Timestamp(1999, TimeUnit.MICROSECONDS).asMilliseconds(), 1)
        self.assertEqual(Timestamp(-1, TimeUnit.MICROSECONDS).asMilliseconds(), -1)

    def test_equal_times_are_equal_in_whatever_unit(self):
        self.assertEqual(Timestamp(5, TimeUnit.SECONDS), Timestamp(5000))
        self.assertEqual(len({Timestamp(5, TimeUnit.SECONDS), Timestamp(5000)}), 1)
        self.assertNotEqual(Timestamp(5), 5)
        self.assertLess(Timestamp(5), Timestamp(6))

    def test_what_is_no_whole_number_is_refused(self):
        for wrong in (1.5, "1", None, 10**30, [1]):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                Timestamp(wrong)
        with self.assertRaisesRegex(ValueError, "is its unit right"):
            Timestamp(2**62, TimeUnit.SECONDS)
        with self.assertRaisesRegex(ValueError, "TimeUnit"):
            Timestamp(1, "sec")

    def test_an_aware_datetime_is_a_time_and_a_naive_one_is_refused_with_the_remedy(self):
        moment = datetime.datetime(2015, 3, 25, 21, 28, 8, 123456, tzinfo=UTC)
        self.assertEqual(Timestamp(moment).asMicroseconds(), 1427318888123456)
        east = moment.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=45)))
        self.assertEqual(Timestamp(east), Timestamp(moment))
        with self.assertRaisesRegex(ValueError, "timezone.utc"):
            Timestamp(moment.replace(tzinfo=None))

    def test_it_survives_pickle_and_says_what_it_is(self):
        there = pickle.loads(pickle.dumps(Timestamp(7, TimeUnit.SECONDS)))
        self.assertEqual(there, Timestamp(7000))
        self.assertEqual(repr(there), "Timestamp(7, unit=TimeUnit.SECONDS)")


class Points(unittest.TestCase):
    def test_a_point_has_a_time_and_a_value(self):
        self.assertEqual(DataPoint(5, 1).toDict(), {"time": 1000, "value": 5})
        self.assertEqual(DataPoint(5.5, Timestamp(1, TimeUnit.SECONDS)).toDict()["time"], 1_000_000)
        now = datetime.datetime.now(UTC).timestamp() * 1e6
        self.assertLess(abs(DataPoint(5).toDict()["time"] - now), 5e6)

    def test_equal_points_are_one_in_a_set_with_fractions_too(self):
        self.assertEqual(len({DataPoint(5.5, 1), DataPoint(5.5, 1), DataPoint(5.5, 2)}), 2)

    def test_what_is_no_number_is_refused(self):
        for wrong in ("5", None, [5]):
            with self.assertRaises(ValueError):
                DataPoint(wrong)
        with self.assertRaises(ValueError):
            DataPoint(5, 1.5)

    def test_points_and_series_are_printed_as_ever(self):
        self.assertEqual(str(DataPoint(5, 10)), "DataPoint{timestamp: 10000, value: 5}")
        self.assertEqual(str(DataPoint(5.5, Timestamp(1, TimeUnit.MICROSECONDS))), "DataPoint{timestamp: 1, value: 5.5}")
        self.assertEqual(str(DataSeries("a", [DataPoint(1, 1)])), "DataSeries{name: a, len: 1}")

    def test_a_series_has_points_of_its_own(self):
        points = [DataPoint(1, 1)]
        series = DataSeries("a", points)
        points.clear()
        self.assertEqual(len(series), 1)
        self.assertEqual(len(DataSeries("a", iter([DataPoint(1, 1)]))), 1)

    def test_a_series_has_a_name_and_points(self):
        series = DataSeries("a", [DataPoint(1, 1)])
        self.assertEqual((series.getName(), len(series), series.getPoints()), ("a", 1, [DataPoint(1, 1)]))
        self.assertEqual(len(DataSeries("a", None)), 0)
        with self.assertRaises(ValueError):
            DataSeries(None, [])

    def test_uniform_series_spread_from_start_to_end(self):
        series = data.makeUniformDataSeries("a", 0, 100, [1, 2, 3, 4, 5])
        self.assertEqual([point.toDict()["time"] for point in series.getPoints()], [0, 25000, 50000, 75000, 100000])
        for none in ([], None):
            self.assertEqual(len(data.makeUniformDataSeries("a", 0, 100, none)), 0)
        (only,) = data.makeUniformDataSeries("a", 0, 100, [7]).getPoints()
        self.assertEqual(only, DataPoint(7, 0))
        self.assertEqual(
            data.makeUniformDataSeries("a", 0, 100, [7, 8]).getPoints(), [DataPoint(7, 0), DataPoint(8, 100)]
        )

    def test_uniform_series_are_none_when_something_is_missing(self):
        for wrong in ((None, 0, 1, [1]), ("a", None, 1, [1]), ("a", 0, None, [1])):
            self.assertIsNone(data.makeUniformDataSeries(*wrong))
        self.assertIsNone(data.makeUniformDataSeries("a", 1, 1, [1]))
        self.assertIsNone(data.makeUniformDataSeries("a", 0.5, 1, [1]))


class Stores(unittest.TestCase):
    def test_columns_must_be_names(self):
        for wrong in (None, [], (), "temperature", [None], [5], [""], ["a", ""], 5, ["a", "a"], ["a b"]):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                DataStore(wrong)

    def test_reserved_names_are_refused_in_any_letter_case(self):
        for word in ("time", "TIME", "Time_Offset", "ALL"):
            with self.assertRaisesRegex(ValueError, "reserved"):
                DataStore(["a", word])

    def test_rows_come_back_with_micros_and_each_column(self):
        store = DataStore(["a", "b", "c"])
        store.add(1, {"a": 5, "b": 2.5, "c": "x"})
        store.add(Timestamp(2, TimeUnit.SECONDS), {"a": None})
        self.assertEqual(
            store.rows(),
            [{"time": 1000, "a": 5, "b": 2.5, "c": "x"}, {"time": 2_000_000, "a": None, "b": None, "c": None}],
        )
        self.assertIs(type(store.rows()[0]["a"]), int)
        self.assertEqual(len(store), 6)

    def test_rows_and_columns_are_copies(self):
        store = DataStore(["a"])
        store.add(1, {"a": 5})
        store.rows()[0]["a"] = 6
        store.rows().clear()
        store.columns().append("b")
        self.assertEqual((store.rows(), store.columns()), ([{"time": 1000, "a": 5}], ["a"]))

    def test_a_row_must_have_values_of_known_columns_and_a_time(self):
        store = DataStore(["a", "b"])
        for wrong in ({}, None, {"c": 1}, {"a": 1, "c": 1}, 5, {1: 1}):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                store.add(1, wrong)
        for wrong in (1.5, "1", None):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                store.add(wrong, {"a": 1})
        with self.assertRaisesRegex(ValueError, "'c'; it has a, b"):
            store.add(1, {"c": 1})
        self.assertEqual(len(store), 0)

    def test_a_row_of_now_has_the_time_of_now(self):
        store = iobeam.DataStore(["a"])
        store.add_now({"a": 1})
        self.assertLess(abs(store.rows()[0]["time"] - time.time() * 1e6), 60e6)
        with self.assertRaises(ValueError):
            store.addNow({"b": 1})

    def test_the_arguments_have_their_names(self):
        store = DataStore(columns=["a"])
        store.add(timestamp=1, dataDict={"a": 1})
        self.assertEqual(len(store), 1)
        self.assertTrue(store.hasSameColumns(cols=["a"]))

    def test_values_that_mean_nothing_are_missing(self):
        store = DataStore(["a"])
        store.add(1, {"a": float("nan")})
        store.add(1, {"a": None})
        self.assertEqual([row["a"] for row in store.rows()], [None, None])

    def test_infinite_numbers_and_strange_values_are_refused(self):
        store = DataStore(["a"])
        for wrong in (float("inf"), float("-inf"), [1], {}, object(), b"x", 2**64):
            with self.assertRaises(ValueError, msg=repr(wrong)):
                store.add(1, {"a": wrong})
        self.assertEqual(store.rows(), [])

    def test_a_refused_row_leaves_no_trace(self):
        numbers = [1.5, 7, 2**60, None, float("nan")]
        wrong = ["x", True, float("inf"), 2**70, [1]]
        for first in numbers + wrong:
            for bad in wrong:
                store = DataStore(["a", "b", "c"])
                store.add(1, {"c": 1.0})
                with self.assertRaises(ValueError):
                    store.add(2, {"a": first, "b": 2**60, "c": bad})
                self.assertEqual(len(store.rows()), 1)
                # Each column takes what it would have taken before.
                for after in ("text", 0.5, True):
                    fresh = copy.copy(store)
                    with self.assertRaises(ValueError):
                        fresh.add(2, {"a": first, "b": 2**60, "c": bad})
                    fresh.add(3, {"a": after, "b": after})
                    self.assertEqual(fresh.rows()[-1], {"time": 3000, "a": after, "b": after, "c": None})

    def test_names_that_differ_in_letter_case_alone_are_one_field(self):
        with self.assertRaisesRegex(ValueError, "'temp' and 'Temp' differ in letter case alone"):
            DataStore(["temp", "Temp"])

    def test_a_column_keeps_one_kind_of_value(self):
        store = DataStore(["a"])
        store.add(1, {"a": 5})
        with self.assertRaisesRegex(ValueError, "column 'a' holds numbers"):
            store.add(1, {"a": "x"})
        store.add(1, {"a": 5.5})
        store.clear()
        store.add(1, {"a": "x"})

    def test_whole_numbers_of_64_bits_stay_exact(self):
        store = DataStore(["a"])
        store.add(1, {"a": 2**63 - 1})
        self.assertEqual(store.rows()[0]["a"], 2**63 - 1)
        with self.assertRaisesRegex(ValueError, "losing"):
            store.add(1, {"a": 0.5})

    def test_numbers_of_other_kinds_are_numbers(self):
        store = DataStore(["a"])
        store.add(1, {"a": decimal.Decimal("0.5")})
        self.assertEqual(store.rows()[0]["a"], 0.5)

    def test_split_gives_stores_of_at_most_so_many_rows(self):
        store = DataStore(["a", "b"])
        for number in range(5):
            store.add(number, {"a": number})
        parts = store.split(2)
        self.assertEqual([len(part) for part in parts], [4, 4, 2])
        self.assertEqual([row["a"] for part in parts for row in part.rows()], list(range(5)))
        self.assertEqual(parts[0].columns(), ["a", "b"])
        self.assertEqual(len(store), 10)

    def test_columns_are_the_same_in_any_order(self):
        store = DataStore(["a", "b"])
        self.assertTrue(store.hasSameColumns(["b", "a"]))
        for other in (["a"], ["a", "b", "c"], None, [], ["a", "c"]):
            self.assertFalse(store.hasSameColumns(other))

    def test_a_store_survives_pickle_and_copy(self):
        store = DataStore(["a"])
        store.add(1, {"a": 5})
        for there in (pickle.loads(pickle.dumps(store)), copy.deepcopy(store)):
            self.assertEqual(there.rows(), store.rows())

    def test_many_threads_add_without_losing_a_row(self):
        store = DataStore(["a"])

        def add():
            for number in range(5000):
                store.add(number, {"a": number})

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(store), 20_000)

    def test_a_class_of_ones_own_can_stand_on_it(self):
        class Mine(DataStore):
            pass

        mine = Mine(["a"])
        mine.add(1, {"a": 1})
        mine.more = 5
        DataStore(["a"]).note = "as with any object"
        self.assertEqual((len(mine), mine.more), (1, 5))


try:
    import numpy
except ImportError:
    numpy = None


@unittest.skipIf(numpy is None, "numpy is not there")
class Numpy(unittest.TestCase):
    def test_scalars_are_the_values_they_are(self):
        store = DataStore(["a", "b", "c"])
        store.add(numpy.int64(1), {"a": numpy.float32(0.5), "b": numpy.bool_(True), "c": numpy.str_("x")})
        store.add(1, {"a": numpy.int16(3), "b": numpy.bool_(False), "c": None})
        store.add(1, {"a": numpy.float64("nan")})
        store.add(1, {"a": numpy.array(2.5)})
        rows = store.rows()
        self.assertEqual([row["a"] for row in rows], [0.5, 3, None, 2.5])
        self.assertIs(rows[0]["b"], True)

    def test_a_datetime64_says_no_zone(self):
        with self.assertRaisesRegex(ValueError, "aware"):
            DataStore(["a"]).add(numpy.datetime64("2020-01-01"), {"a": 1})

    def test_an_array_is_no_value(self):
        with self.assertRaises(ValueError):
            DataStore(["a"]).add(1, {"a": numpy.array([1, 2])})


if __name__ == "__main__":
    unittest.main()
