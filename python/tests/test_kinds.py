"""Columns of other kinds than the usual ones: each is stored as what it says, or refused with its name and a way out."""

import array
import datetime
import decimal
import fractions
import unittest

from tests.platform_process import PlatformTest
from tests.test_frames import FIRST, UTC, numpy, pandas, polars, pyarrow

BIG = 2**53 + 1
LATER = FIRST + datetime.timedelta(seconds=1)
TIMES = [FIRST, LATER]


class Kinds(PlatformTest):
    """Columns of two rows, all of them in one table of a namespace that has the fields."""

    def stored(self, columns, **fields):
        """What columns are when they come back."""
        path, body = "/v1/namespaces", {"namespace_name": "kinds", "partitioning_field": "device_id"}
        body["fields"] = dict({"device_id": "STRING"}, **fields)
        self.assertEqual(self.platform.call("POST", path, self.token, body)[0], 201)
        client = self.client("d")
        for name, make in columns.items():
            try:
                frame = make()
            except (AttributeError, TypeError) as error:
                self.skipTest("{}: this version has none: {}".format(name, error))
            frame = frame if hasattr(frame, "columns") else {"time": TIMES, name: frame}
            client.write_frame(frame, namespace="kinds", device="d", columns=[name])
        found = {}
        for name in columns:
            where = 'FROM kinds WHERE "{0}" IS NOT NULL'.format(name)
            rows = self.platform.sql('SELECT "{0}" {1} ORDER BY time'.format(name, where), self.token)
            found[name] = [rows[0][0], rows[-1][0], len(rows)]
        return found

    def refused(self, make, said, **options):
        client = self.client("d")
        with self.assertRaisesRegex(ValueError, said) as caught:
            client.write_frame(make(), **options)
        self.assertEqual(self.count(), 0, str(caught.exception))


class Numbers(Kinds):
    def test_whole_numbers_of_every_library_are_exact_beside_missing_ones(self):
        columns = {
            "objects": lambda: [BIG, None],
            "generator": lambda: (number for number in [BIG, None]),
            "decimals": lambda: [decimal.Decimal(BIG), None],
            "array": lambda: array.array("q", [BIG, 7]),
            "range": lambda: range(BIG, BIG + 2),
        }
        if numpy is not None:
            columns.update(
                np_objects=lambda: numpy.array([BIG, None], dtype=object),
                np_swapped=lambda: numpy.array([BIG, 7], dtype=">i8"),
                np_unsigned=lambda: numpy.array([BIG, 7], dtype=">u8"),
                np_masked=lambda: numpy.ma.array([BIG, 7], mask=[0, 1]),
                np_records=lambda: numpy.array([(1, BIG), (2, 7)], dtype=[("t", "i8"), ("n", ">i8")])["n"],
            )
        if pandas is not None:
            columns.update(
                pd_nullable=lambda: pandas.array([BIG, None], dtype="Int64"),
                pd_series=lambda: pandas.Series([BIG, None], dtype="Int64"),
                pd_categories=lambda: pandas.Series(pandas.Categorical([BIG, None])),
                pd_objects=lambda: pandas.Series([BIG, None], dtype=object),
                pd_sparse=lambda: pandas.Series(pandas.arrays.SparseArray([BIG, 7])),
            )
        if pyarrow is not None:
            columns.update(
                pa_array=lambda: pyarrow.array([BIG, None]),
                pa_words=lambda: pyarrow.array([BIG, None]).dictionary_encode(),
                pa_chunks=lambda: pyarrow.chunked_array([pyarrow.array([BIG]), pyarrow.array([None], pyarrow.int64())]),
                pa_decimals=lambda: pyarrow.array([decimal.Decimal(BIG), None], pyarrow.decimal256(60, 4)),
                pa_scalars=lambda: [pyarrow.scalar(BIG), pyarrow.scalar(None)],
            )
        if pandas is not None and pyarrow is not None:
            columns.update(pd_arrow=lambda: pandas.array([BIG, None], dtype="int64[pyarrow]"))
        if polars is not None:
            columns.update(
                pl_series=lambda: polars.Series([BIG, None]),
                pl_wide=lambda: polars.Series([BIG, None], dtype=polars.Int128),
                pl_unsigned=lambda: polars.Series([BIG, None], dtype=polars.UInt64),
            )
        found = self.stored(columns, **{name: "LONG" for name in columns})
        for name, (first, last, count) in found.items():
            self.assertEqual(first, BIG, name)
            self.assertIn((last, count), [(BIG, 1), (7, 2), (BIG + 1, 2)], name)

    def test_what_a_number_field_would_change_is_refused(self):
        for values in ([BIG, 0.5], [0.5, BIG], [fractions.Fraction(2 * BIG + 1, 2), 1], [decimal.Decimal("9007199254740993.5")] * 2):
            self.refused(lambda: {"time": TIMES, "n": values}, "column 'n'")
        if numpy is not None:
            self.refused(lambda: {"time": TIMES, "n": numpy.array([BIG, 0.5], dtype=object)}, "column 'n'")


class Others(Kinds):
    def test_strings_and_booleans_of_every_library_are_what_they_are(self):
        strings, booleans = {"lists": lambda: ["ä\n", None]}, {"truths": lambda: [True, None]}
        if numpy is not None:
            strings.update(np_masked=lambda: numpy.ma.array(["ä\n", "x"], mask=[0, 1]))
            booleans.update(np_objects=lambda: numpy.array([True, None], dtype=object))
            if hasattr(numpy.dtypes if hasattr(numpy, "dtypes") else numpy, "StringDType"):
                strings.update(np_strings=lambda: numpy.array(["ä\n", None], dtype=numpy.dtypes.StringDType(na_object=None)))
        if pandas is not None:
            strings.update(
                pd_strings=lambda: pandas.array(["ä\n", None], dtype="string"),
                pd_categories=lambda: pandas.Categorical(["ä\n", None]),
            )
            booleans.update(
                pd_booleans=lambda: pandas.array([True, None], dtype="boolean"),
                pd_truths=lambda: pandas.Series(pandas.Categorical([True, None])),
            )
        if pyarrow is not None:
            strings.update(
                pa_large=lambda: pyarrow.array(["ä\n", None], pyarrow.large_string()),
                pa_words=lambda: pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1]), pyarrow.array(["ä\n", None])),
                pa_runs=lambda: pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1, 2], pyarrow.int16()), pyarrow.array(["ä\n", None])),
            )
            if hasattr(pyarrow, "bool8"):
                booleans.update(
                    pa_bool8=lambda: pyarrow.ExtensionArray.from_storage(pyarrow.bool8(), pyarrow.array([1, None], pyarrow.int8()))
                )
        if polars is not None:
            strings.update(
                pl_enum=lambda: polars.Series(["ä\n", None], dtype=polars.Enum(["ä\n", "x"])),
                pl_categories=lambda: polars.Series(["ä\n", None], dtype=polars.Categorical),
            )
        fields = dict({name: "STRING" for name in strings}, **{name: "BOOLEAN" for name in booleans})
        found = self.stored(dict(strings, **booleans), **fields)
        for name, row in found.items():
            value = "ä\n" if name in strings else True
            self.assertEqual(row, [value, value, 1], name)

    def test_what_is_no_column_is_refused_by_its_name(self):
        for values in ({1, 2}, {1: 2, 3: 4}, b"ab", bytearray(b"ab"), "ab", 5, None):
            self.refused(lambda: {"time": TIMES, "n": values}, "column 'n' must be a list or an array")

    def test_an_error_of_another_library_is_told_with_the_column(self):
        class Broken:
            def to_numpy(self):
                raise RuntimeError("still on the graph")

        class Iterable:
            def __iter__(self):
                raise KeyError("gone")

        self.refused(lambda: {"time": TIMES, "n": Broken()}, "column 'n': a Broken cannot be read .still on the graph")
        self.refused(lambda: {"time": TIMES, "n": Iterable()}, "column 'n': a Iterable cannot be read")

        class Interface:
            __array_interface__ = {"typestr": "<f8", "shape": (2,), "data": "nowhere"}

        self.refused(lambda: {"time": TIMES, "n": Interface()}, "column 'n': a Interface cannot be read")

    def test_what_is_no_value_is_refused_with_what_to_make_of_it(self):
        import uuid

        refused = [
            (datetime.timedelta(1), "total_seconds"), (b"x", "decode"), (uuid.UUID(int=1), "str"), (1j, "no value"), ([1], "no value"),
        ]
        if pandas is not None:
            refused += [(pandas.Period("2026-01", "M"), "start_time"), (pandas.Timedelta(1, "s"), "total_seconds")]
        for value, said in refused:
            self.refused(lambda: {"time": TIMES, "n": [value, value]}, "column 'n'.*" + said)

    def test_what_is_no_table_is_refused_with_the_way_to_one(self):
        import collections

        pair = collections.namedtuple("Pair", "time n")
        self.refused(lambda: [{"time": FIRST, "n": 1}], "DataFrame|createDataStore")
        self.refused(lambda: pair(TIMES, [1, 2]), "_asdict")
        if polars is not None:
            self.refused(lambda: polars.DataFrame({"time": TIMES}).lazy(), "collect")
            self.refused(lambda: polars.Series("n", [1.0]), "one column, not a table")
        if pyarrow is not None:
            self.refused(lambda: pyarrow.chunked_array([[1.0]]), "one column, not a table")

    @unittest.skipIf(pyarrow is None, "pyarrow is not there")
    def test_types_of_arrow_that_cannot_be_stored_are_named_in_words(self):
        for values, kind, said in (
            ([[1], [2]], pyarrow.list_(pyarrow.int8()), "lists"),
            ([[1, 2], [3, 4]], pyarrow.list_(pyarrow.int8(), 2), "lists"),
            ([{"x": 1}, None], pyarrow.struct([("x", pyarrow.int8())]), "structs"),
            ([[("k", 1)], []], pyarrow.map_(pyarrow.string(), pyarrow.int8()), "maps"),
            ([b"x", b"y"], pyarrow.binary(), "binary values"),
            ([b"x", b"y"], pyarrow.binary(1), "binary values"),
            ([(1, 2, 3), None], pyarrow.month_day_nano_interval(), "intervals"),
        ):
            table = {"time": pyarrow.array(TIMES), "n": pyarrow.array(values, kind)}
            self.refused(lambda: pyarrow.table(table), "column 'n': {} cannot be stored".format(said))

    def test_an_empty_table_is_stored_whatever_its_columns_are(self):
        client = self.client()
        self.assertEqual(client.write_frame({"time": [], "n": []}), 0)
        if pandas is not None:
            self.assertEqual(client.write_frame(pandas.DataFrame({"time": [], "n": []})), 0)
        if numpy is not None:
            self.assertEqual(client.write_frame({"time": numpy.array([]), "n": numpy.array([])}), 0)

    @unittest.skipIf(pyarrow is None, "pyarrow is not there")
    def test_scalars_of_arrow_are_times_too(self):
        client = self.client("d")
        client.write_frame({"time": [pyarrow.scalar(FIRST), LATER], "n": [1, 2]})
        self.assertEqual(len(self.rows("n", "time = '{}'".format(FIRST.isoformat()))), 1)

    @unittest.skipIf(pyarrow is None, "pyarrow is not there")
    def test_a_dataset_is_a_table(self):
        import pyarrow.dataset

        data = pyarrow.dataset.dataset(pyarrow.table({"time": TIMES, "n": [1.0, 2.0]}))
        self.assertEqual(self.client().write_frame(data), 2)
        self.assertEqual(self.count(), 2)

    @unittest.skipIf(pandas is None, "pandas is not there")
    def test_series_of_one_table_must_agree_on_their_rows(self):
        times = pandas.Series(TIMES, index=[5, 6])
        self.refused(lambda: {"time": times, "n": pandas.Series([1.0, 2.0], index=[6, 5])}, "different indexes.*reset_index")
        by_device = pandas.DataFrame({"device_id": ["x", "y"], "n": [1.0, 2.0]}).set_index("device_id")
        self.refused(lambda: {"time": TIMES, "n": by_device["n"]}, "indexed by device_id.*reset_index")
        client = self.client("me")
        client.write_frame({"time": times, "n": pandas.Series([1.0, 2.0], index=[5, 6])})
        self.client("x")
        self.client("y")
        client.write_frame({"time": TIMES, "n": by_device["n"], "device_id": by_device.index})
        client.write_frame({"time": TIMES, "n": by_device["n"].reset_index(drop=True)}, deduplicate=False)
        self.assertEqual(
            sorted(row[0] for row in self.rows("device_id")), ["me", "me", "me", "me", "x", "y"]
        )


class Local(Kinds):
    def test_an_aware_time_is_its_moment_in_each_zone_and_on_both_sides_of_a_change(self):
        import zoneinfo

        try:
            berlin = zoneinfo.ZoneInfo("Europe/Berlin")
        except zoneinfo.ZoneInfoNotFoundError:
            self.skipTest("this system has no zones")
        twice = [datetime.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1)]
        client = self.client("d")
        client.write_frame({"time": twice, "n": [0, 1]})
        moments = [datetime.datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
        micros = [int(moment.timestamp()) * 1_000_000 for moment in moments]
        self.assertEqual(self.rows("time, n"), [[micros[0], 0.0], [micros[1], 1.0]])
