"""Values at the edges of every type of the model, each as PostgreSQL reads it. Nothing here runs a statement."""

from collections.abc import Mapping, Sequence
from typing import Final

from datasurface import dsl
from datasurface.model.datatypes import DataType

EVERY_BYTE: Final = "\\x" + bytes(range(256)).hex()

#: By type: values that differ as text. Every PostgreSQL from 14 on holds them.
VALUES: Final[Mapping[DataType, Sequence[str]]] = {
    dsl.VarChar(20): ["", " ", "a", "A", "a ", "a  ", "ä", "a\u0308", "\t", "\\N", "\\.", "\r", "\r\n", "漢" * 20],
    dsl.VarChar(): ["", "x" * 10_000, "x" * 9_999 + "y", "👩\u200d👩\u200d👧", "👩👩👧", "\ufeff", "\u00a0", "\uffff"],
    dsl.Char(3): ["", "a", "ab", "abc", " a", "äöü", "\\", "\\.", "😀", "\t", "\n", "a\u0308"],
    dsl.Text(): [
        *("", "\n", "\\n", "\\", "\\.", "\\.\n", "\r", "'", '"', "NULL", "😀", "\u202e", "\x01\x7f", "\U0010ffff"),
    ],
    dsl.SmallInt(): ["-32768", "-1", "0", "32767"],
    dsl.Integer(): ["-2147483648", "0", "2147483647"],
    dsl.BigInt(): ["-9223372036854775808", "0", "9223372036854775807"],
    dsl.Decimal(10, 2): ["0", "-0.01", "99999999.99", "-99999999.99", "NaN"],
    dsl.Decimal(1000, 1000): ["0", "0." + "9" * 1000, "-0." + "0" * 999 + "1"],
    dsl.Decimal(): [
        *("1", "1.0", "1.00", "0", "0.0", "NaN", "Infinity", "-Infinity", "1e100", "-1e-100", "9" * 100),
        *("1e131071", "1e-16383", "0e-16383"),
    ],
    dsl.Real(): [
        *("0", "-0", "NaN", "Infinity", "-Infinity", "1e-45", "-1e-45", "1.17549435e-38", "3.4028235e38"),
        *("-3.4028235e38", "0.1", "1.0000001", "16777216", "16777218"),
    ],
    dsl.Double(): [
        *("0", "-0", "NaN", "Infinity", "-Infinity", "5e-324", "-5e-324", "2.2250738585072014e-308", "1e23"),
        *("1.7976931348623157e308", "-1.7976931348623157e308", "0.1", "0.30000000000000004", "9007199254740993"),
    ],
    dsl.Date(): [
        *("-infinity", "infinity", "4714-11-24 BC", "0001-12-31 BC", "0001-01-01", "1582-10-10", "2024-02-29"),
        *("9999-12-31", "10000-01-01", "5874897-12-31"),
    ],
    dsl.Time(): ["00:00", "00:00:00.000001", "24:00", "23:59:59.999999", "12:00:00.1"],
    dsl.Timestamp(): [
        *("-infinity", "infinity", "4714-11-24 00:00 BC", "0001-12-31 23:59:59.999999 BC", "0001-01-01 00:00"),
        *("2024-02-29 12:00:00.000001", "2024-03-31 02:30", "9999-12-31 23:59:59.999999"),
        "294276-12-31 23:59:59.999999",
    ],
    dsl.TimestampTZ(): [
        *("-infinity", "infinity", "4714-11-24 00:00Z BC", "0044-03-15 12:00Z BC", "0001-01-01 00:00Z"),
        *("2024-03-31 02:30+01", "2024-03-31 02:30+02", "2024-10-27 02:30 Europe/Berlin", "1900-01-01 00:00+00:19:32"),
        *("9999-12-31 23:59:59.999999Z", "294276-12-31 23:59:59.999999Z"),
    ],
    dsl.Interval(): [
        *("0", "1 month", "30 days", "720 hours", "-1 day +02:03", "1 year 2 mons 3 days 4:05:06.7"),
        *("1 mon -30 days", "-1 mon +1 day -00:00:00.000001", "1 day -24 hours", "178000000 years"),
        *("-178000000 years", "-2147483648 days", "2147483647:59:59.999999"),
    ],
    dsl.Boolean(): ["true", "false"],
    dsl.UUID(): [
        *("00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ],
    dsl.Bytes(): ["", "\\x00", "\\x5c", "\\x5c2e", "\\xdeadbeef", "\\x0a09", EVERY_BYTE],
    dsl.JSON(): [
        *('{"a":1}', '{"a": 1}', '{"a":\n1}', ' {"a":1}\t', "[1.0]", "[1.00]", "[1e0]", '{"a":1,"a":2}'),
        *('{"a":2,"a":1}', '{"a":1,"b":2}', '{"b":2,"a":1}', "null"),
        *('"\\u0041"', '"A"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\\\."'),
    ],
    dsl.JSONB(): [
        *("1", "1.0", "1.00", "-0.0", '{"a": 1.0}', '{"a": 1.00}', "[]", "{}", "null", '"\\\\N"', '["\\t"]', "1e400"),
        *('{"b": {"a": [null, "\\n"]}}', '"😀"', '{"": ""}'),
    ],
    dsl.Array(dsl.Integer()): [
        *("{}", "{NULL}", "{NULL,NULL}", "{1,NULL,3}", "{{1,2},{3,4}}", "{{1},{2}}", "{{{1}}}", "[2:3]={1,2}"),
        *("[-1:0]={1,2}", "[0:0][5:6]={{1,2}}", "{1,2}"),
    ],
    dsl.Array(dsl.Text()): [
        *("{}", "{NULL}", '{"NULL"}', '{""}', '{" "}', '{"a,b"}', "{a,b}", '{"\\"\\\\"}', '{"\t"}', '{"\\\\."}'),
        *("{😀}", '{"\\\\N"}', '{"{a}"}', "{{a,b},{NULL,d}}"),
    ],
    dsl.Array(dsl.Decimal()): ["{1.0}", "{1.00}", "{1.0,1.00}", "{NaN}", "{Infinity}"],
    dsl.Array(dsl.VarChar(5)): ["{}", "{a}", '{"a "}', "{äöü}"],
    dsl.Array(dsl.Char(3)): ["{a}", "{ab}", "{NULL,abc}"],
    dsl.Array(dsl.Double()): ["{0}", "{-0}", "{NaN,-Infinity}", "{5e-324}"],
    dsl.Array(dsl.TimestampTZ()): [
        *('{"2024-03-31 02:30+01"}', '{"2024-03-31 02:30+02"}', '{infinity,"0044-03-15 12:00Z BC"}'),
    ],
    dsl.Array(dsl.Interval()): ['{"1 mon"}', '{"30 days"}', '{"-1 day +02:03"}'],
    dsl.Array(dsl.Bytes()): ['{""}', '{"\\\\x00"}', '{"\\\\x5c2e"}'],
    dsl.Array(dsl.JSON()): ['{"{\\"a\\":1}"}', '{"{\\"a\\": 1}"}', "{null}", '{"null"}'],
    dsl.Array(dsl.JSONB()): ["{1.0}", "{1.00}", '{"{\\"a\\": \\"\\\\\\\\\\"}"}'],
    dsl.Array(dsl.Boolean()): ["{t}", "{f,NULL}"],
    dsl.Enum(["red", "Red", "dark red", "%s{}'"]): ["red", "Red", "dark red", "%s{}'"],
}  # fmt: skip

#: Equal by the type, unlike as text.
TWINS: Final[Mapping[DataType, Sequence[tuple[str, str]]]] = {
    dsl.Decimal(): [("1.0", "1.00"), ("0", "0.000")],
    dsl.Real(): [("0", "-0")],
    dsl.Double(): [("-0", "0")],
    dsl.Interval(): [("1 month", "30 days"), ("1 day", "24 hours"), ("1 day -24 hours", "0")],
    dsl.JSONB(): [("1.0", "1.00"), ('{"a": 0.0}', '{"a": 0.00}')],
    dsl.Array(dsl.Decimal()): [("{1.0}", "{1.00}")],
    dsl.Array(dsl.Double()): [("{0}", "{-0}")],
    dsl.Array(dsl.Interval()): [("{1 mon}", "{30 days}")],
    dsl.Array(dsl.JSONB()): [("{2.0}", "{2.00}")],
}

#: Values that PostgreSQL holds from a version on, by that version's number.
NEWER_VALUES: Final[Mapping[int, Mapping[DataType, Sequence[str]]]] = {
    150000: {dsl.Interval(): ["2562047788:00:54.775807"]},
    170000: {dsl.Interval(): ["infinity", "-infinity"], dsl.Array(dsl.Interval()): ["{infinity}"]},
}

#: Types without an equality cannot be keys.
KEY_TYPES: Final = [data_type for data_type in VALUES if data_type not in (dsl.JSON(), dsl.Array(dsl.JSON()))]
