"""Tries many calls, and prints what each came to as JSON; test_original runs it with the original and with ours."""

import json
import sys

import iobeam as package
from iobeam import iobeam
from iobeam.endpoints import devices, tokens
from iobeam.http import request
from iobeam.resources import data, query
from iobeam.resources.device import Device
from iobeam.utils import utils

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJwaWQiOjEsImV4cCI6NDEwMjQ0NDgwMH0.c2ln"
SCOPE = dict(vars(iobeam), **vars(data))
SCOPE.update(
    package=package, iobeam=iobeam, devices=devices, request=request, query=query, Device=Device, utils=utils,
    tokens=tokens, TOKEN=TOKEN, Query=query.Query,
)

ARGUMENTS = ["None", "0", "-1", "1", "1.5", "'1'", "''", "'a'", "[]", "['a']", "{}", "[None]", "['']", "[5]", "b'x'"]

CASES = []
for each in ARGUMENTS:
    CASES += [
        "ClientBuilder({}, TOKEN) and 1".format(each),
        "ClientBuilder(1, {}) and 1".format(each),
        "ClientBuilder(1, TOKEN).setDeviceId({}) and 1".format(each),
        "ClientBuilder(1, TOKEN).registerDevice({}) and 1".format(each),
        "ClientBuilder(1, TOKEN).registerOrSetId({}) and 1".format(each),
        "Timestamp({}).asMicroseconds()".format(each),
        "DataPoint({}, 1).toDict()".format(each),
        "DataPoint(1, {}) and 1".format(each),
        "DataStore({}).columns()".format(each),
        "DataSeries({}, []).getName()".format(each),
        "makeUniformDataSeries('a', {}, 5, [1, 2]) and 1".format(each),
        "makeUniformDataSeries('a', 0, {}, [1, 2]) and 1".format(each),
        "Query({}).getUrl()".format(each),
        "Query(1).limit({}).getParams().get('limit')".format(each),
        "Query(1).fromTime({}).getParams().get('from')".format(each),
        "Query(1).toTime({}).getParams().get('to')".format(each),
        "Query(1).lessThan({}).getParams().get('less_than')".format(each),
        "Query(1).greaterThan({}).getParams().get('greater_than')".format(each),
        "Query(1).equals({}).getParams().get('equals')".format(each),
        "DataStore(['a']).hasSameColumns({})".format(each),
        "DataStore(['a', 'b']).add({}, {{'a': 1}})".format(each),
        "DataStore(['a', 'b']).add(1, {})".format(each),
        "utils.checkValidDeviceId({})".format(each),
        "utils.checkValidProjectId({})".format(each),
        "utils.checkValidProjectToken({})".format(each),
        "utils.checkValidSeriesName({})".format(each),
        "utils.isExpiredToken({})".format(each),
        "makeQuery({}, None)".format(each),
        "makeQuery('token', {})".format(each),
    ]
for word in ("time", "TIME", "Time_Offset", "all", "ALL", "timer"):
    CASES += ["DataStore(['x', '{}']).columns()".format(word), "utils.checkValidSeriesName('{}')".format(word)]
for unit in ("MILLISECONDS", "MICROSECONDS", "SECONDS"):
    for number in (0, 1, 999, 1000, 1001, -1, -1001, 1427316488123456):
        stamp = "Timestamp({}, unit=TimeUnit.{})".format(number, unit)
        CASES += [stamp + ".asMilliseconds()", stamp + ".asMicroseconds()", stamp + " == Timestamp(1)"]
        if abs(number) < 10**6:
            CASES.append("Query(1, timeUnit=query.TimeUnit.{}).fromTime({}).toTime({}).getParams()".format(unit, number, number))
for values in ("[]", "[1]", "[1, 2]", "[1, 2, 3]", "[1, 2, 3, 4, 5]"):
    series = "makeUniformDataSeries('a', 0, 1000, {})".format(values)
    CASES.append("[point.toDict() for point in {}.getPoints()]".format(series))
for point in ("DataPoint(5, 10)", "DataPoint(5.5, Timestamp(7, TimeUnit.MICROSECONDS))", "DataPoint(-1, 0)", "DataPoint(0.1, 1)"):
    CASES += ["str({})".format(point), "'{{}}'.format({})".format(point)]
for host in ("api.iobeam.com", "localhost", "127.0.0.1:8420", "iot.example/v1/", "http://iot.example/v1/", "https://a:1"):
    CASES.append("ClientBuilder(1, TOKEN).setBackend('{}') and 1".format(host))
for values in ("None", "[]", "()", "(1, 2)", "[1.5, 2.5]"):
    CASES += [
        "len(makeUniformDataSeries('a', 0, 5, {}))".format(values),
        "makeUniformDataSeries('a', 5, 0, {})".format(values),
        "makeUniformDataSeries(None, 0, 5, {})".format(values),
    ]
CASES += [
    "str(DataSeries('a', []))",
    "str(DataSeries('a', [DataPoint(1, 1)] * 3))",
    "str(DataSeries('a', None))",
    "len(DataSeries('a', (DataPoint(n, n) for n in range(3))))",
    "(lambda points: (DataSeries('a', points), points.clear())[0].getPoints() is points)([])",
    "(lambda points, s: (points.clear(), len(s)))(*(lambda p: (p, DataSeries('a', p)))([DataPoint(1, 1)]))",
    "sorted(point.toDict()['time'] for point in DataSeries('a', [DataPoint(1, 2), DataPoint(1, 1)]).getPoints())",
    "DataPoint(1, 1) != DataPoint(1, 1)",
    "DataPoint(1.0, 1) == DataPoint(1, Timestamp(1000, TimeUnit.MICROSECONDS))",
    "Timestamp(1) == None",
    "Timestamp(1) == 1",
    "(lambda c: (c.addDataPoint('a', DataPoint(1, 1)), c.clearSeries('a'), c.clearSeries('b')))(ClientBuilder(1, TOKEN).build())",
    "ClientBuilder(1, TOKEN).build().addDataSeries(DataSeries('a', []))",
    "ClientBuilder(1, TOKEN).build().addDataSeries(DataSeries('a', [DataPoint(1, 1)]))",
    "ClientBuilder(1, TOKEN).build().addDataStore(DataStore(['a']))",
    "ClientBuilder(1, TOKEN).build().createDataStore(['a']).columns()",
    "ClientBuilder(1, TOKEN).build().createDataStore(None)",
    "(lambda s: (s.add(1, {'a': True}), s.rows()))(DataStore(['a']))",
    "(lambda s: (s.add(1, {'a': None}), s.rows()))(DataStore(['a']))",
    "(lambda s: (s.split(3), len(s)))(DataStore(['a']))",
    "DataStore(['a', 'b']).hasSameColumns(['a', 'a'])",
    "DataStore(['a', 'b']).hasSameColumns(['a'])",
    "Query(1).limit(5).fromTime(1).toTime(2) and 1",
    "Query(1, 'd').getParams()",
    "request.getRequester('http://a/v1/') is request.getRequester('http://a/v1/')",
    "request.getRequester('http://a/v1/').makeEndpoint('devices')",
    "Query(1, 'd', 's').getUrl()",
    "Query(1, deviceId='d').getUrl()",
    "Query(1, seriesName='s').getUrl()",
    "Query(1).inTimeRange(1, 2).getParams()",
    "Query(1).inTimeRange(2, 1).getParams()",
    "Query(1).inTimeRange(None, 1).getParams()",
    "Query(1).inValueRange(1, 2).getParams()",
    "Query(1).inValueRange(2, 1).getParams()",
    "Query(1, timeUnit='sec').getUrl()",
    "[TimeUnit.MILLISECONDS.value, TimeUnit.MICROSECONDS.value, TimeUnit.SECONDS.value]",
    "DataPoint(5, 1) == DataPoint(5, 1)",
    "DataPoint(5, 1) == DataPoint(5, 2)",
    "DataPoint(5, 1) == 5",
    "len({DataPoint(5, 1), DataPoint(5, 1)})",
    "(lambda s: (s.add(1, {'a': 1}), s.add(Timestamp(2), {'b': 'x'}), s.rows(), len(s), s.clear(), len(s)))(DataStore(['a', 'b']))",
    "(lambda s: [s.add(n, {'a': n}) for n in range(5)] and [p.rows() for p in s.split(2)])(DataStore(['a']))",
    "DataStore(['a', 'b']).add(1, {'a': 1, 'c': 2})",
    "DataStore(['a', 'b']).hasSameColumns(['b', 'a'])",
    "ClientBuilder(1, 'abc').build()",
    "ClientBuilder(1, 'a.b.c').build()",
    "ClientBuilder(1, TOKEN).build().getDeviceId()",
    "ClientBuilder(1, TOKEN).build().isRegistered()",
    "ClientBuilder(1, TOKEN).setDeviceId('d').build().getDeviceId()",
    "(lambda c: (c.projectId, c.projectToken == TOKEN))(ClientBuilder(1, TOKEN).build())",
    "(lambda c: c.createDataStore(['a', 'b']) is c.createDataStore(['b', 'a']))(ClientBuilder(1, TOKEN).build())",
    "ClientBuilder(1, TOKEN).build().addDataStore(None)",
    "ClientBuilder(1, TOKEN).build().addDataStore(5)",
    "ClientBuilder(1, TOKEN).build().addDataSeries(5)",
    "ClientBuilder(1, TOKEN).build().addDataPoint('a', None)",
    "ClientBuilder(1, TOKEN).build().addDataPoint('', DataPoint(1, 1))",
    "ClientBuilder(1, TOKEN).build().addDataPoint(None, DataPoint(1, 1))",
    "ClientBuilder(1, TOKEN).build().clearSeries('a')",
    "Device(1, 'd', 'n').deviceName",
    "Device(1, 'd').deviceName",
    "Device(0, 'd')",
    "Device(1, '')",
    "issubclass(devices.DuplicateIdError, request.Error)",
    "issubclass(request.UnauthorizedError, request.Error)",
    "str(type(devices.DuplicateIdError()).__name__)",
    "tokens.TokenService().getProjectToken('t', 0)",
    "tokens.TokenService().getProjectToken('t', 1, duration='5x')",
    "tokens.TokenService().getProjectToken('t', 1, duration='w')",
    "tokens.TokenService().getProjectToken('t', 1, options=5)",
    "devices.DeviceService(None).getTimestamp()",
    "devices.DeviceService('').registerDevice(1)",
    "utils.isExpiredToken(TOKEN)",
]


def outcome(case):
    try:
        value = eval(case, SCOPE)
    except Exception as error:
        return "raises " + type(error).__name__
    return json.loads(json.dumps(value, default=lambda each: type(each).__name__))


json.dump({case: outcome(case) for case in CASES}, sys.stdout)
