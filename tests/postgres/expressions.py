"""SQL expressions by the hundreds, from a seed: of every common type, valid and not."""

import struct

INTEGERS = {"int2": 15, "int4": 31, "int8": 63}


def literal(text):
    """Any text as a literal."""
    return "E'" + "".join(f"\\U{ord(c):08x}" if c in "\\'" or ord(c) > 126 else c for c in text) + "'"


class Generator:
    def __init__(self, random):
        self.random = random

    def pick(self, *choices):
        return self.random.choice(choices)

    # ---- numbers ----

    def integer(self, name=None):
        name = name or self.pick(*INTEGERS)
        bits = self.random.randint(0, INTEGERS[name])
        return f"({self.random.randint(-(2**bits), 2**bits - 1)})::{name}"

    def integers(self):
        left, right = self.integer(), self.integer()
        return self.pick(
            left,
            f"{left} {self.pick('+', '-', '*', '/', '%')} {right}",
            f"{left} / 0",
            f"abs({left})",
            f"{left} {self.pick('<', '=', '>=', '<>')} {right}",
            f"sign({left})",
            f"{left}::{self.pick('int2', 'text', 'numeric', 'float8', 'oid', 'bool')}",
        )

    def digits(self, most=30):
        whole = self.random.randint(0, 10 ** self.random.randint(0, most))
        decimals = self.random.randint(0, most)
        part = str(self.random.randint(0, 10**decimals)).zfill(decimals)[:decimals]
        sign = self.pick("", "-")
        return f"{sign}{whole}" + (f".{part}" if part else "")

    def numeric(self):
        if self.random.random() < 0.05:
            return "'" + self.pick("NaN", "Infinity", "-Infinity") + "'::numeric"
        return f"({self.digits()})::numeric"

    def numerics(self):
        left, right = self.numeric(), self.numeric()
        precision = self.random.randint(1, 40)
        return self.pick(
            left,
            f"{left} {self.pick('+', '-', '*', '/', '%')} {right}",
            f"{left}::numeric({precision},{self.random.randint(0, precision)})",
            f"({self.digits(8)})::numeric({self.random.randint(16, 38)},{self.random.randint(8, 16)})",
            f"round({left}, {self.random.randint(-5, 20)})",
            f"trunc({left})",
            f"sqrt({left})",
            f"({self.digits(3)})::numeric ^ {self.random.randint(-20, 60)}",
            f"{left}::float8",
            f"{left}::int8",
            f"{left} > {right}",
        )

    def double(self):
        value = struct.unpack("<d", self.random.randbytes(8))[0]
        if self.random.random() < 0.5:
            value = self.random.uniform(-1, 1) * 10 ** self.random.randint(-12, 18)
        return f"'{value!r}'::float8"

    def doubles(self):
        left, right = self.double(), self.double()
        real = struct.unpack("<f", self.random.randbytes(4))[0]
        return self.pick(
            left,
            f"{left} {self.pick('+', '-', '*', '/')} {right}",
            f"'{real!r}'::float4",
            f"'{real!r}'::float4 * 2",
            f"{left}::float4",
            f"{left}::numeric",
            f"{left}::int4",
            f"{self.pick('sqrt', 'ln', 'exp', 'floor', 'atan')}({left})",
        )

    # ---- texts ----

    def string(self):
        alphabet = "ab z,;\"'\\{}\t\n\réß€日\U0001f600NULL0"
        return "".join(self.random.choices(alphabet, k=self.random.choice([0, 1, 3, 8, 40])))

    def texts(self):
        text = literal(self.string())
        return self.pick(
            text,
            f"{text} || {literal(self.string())}",
            f"upper({text})",
            f"length({text})",
            f"substr({text}, {self.random.randint(-3, 9)}, {self.random.randint(0, 9)})",
            f"{text}::varchar({self.random.randint(1, 9)})",
            f"{text}::char({self.random.randint(1, 9)})",
            f"md5({text})",
            f"repeat({text}, {self.random.randint(0, 300)})",
            f"split_part({text}, ',', {self.random.randint(1, 3)})",
            f"convert_to({text}, 'UTF8')",
            f"{text}::{self.pick('int4', 'date', 'uuid', 'json', 'bool', 'numeric')}",
            f"quote_literal({text})",
        )

    def bytes(self):
        digits = self.random.randbytes(self.random.randint(0, 40)).hex()
        value = f"'\\x{digits}'::bytea"
        return self.pick(value, f"length({value})", f"encode({value}, 'base64')", f"sha256({value})")

    def documents(self):
        text, number = literal(self.string()), self.integer("int4")
        return self.pick(
            f"jsonb_build_object('k', {text}, 'n', {number}, 'z', null)",
            f"json_build_array({text}, {self.digits(6)}, true)",
            f"to_jsonb({text})",
            f"to_json(array[{number}, null])",
            '\'{"a" :  [1, {"b": null}], "a": 2}\'::json',
            '\'{"a" :  [1, {"b": null}], "a": 2}\'::jsonb',
            f"(jsonb_build_object('k', {number})) -> 'k'",
            f"(jsonb_build_object('k', {text})) ->> 'k'",
        )

    def uuids(self):
        digits = self.random.randbytes(16).hex()
        return self.pick(f"'{digits}'::uuid", f"'{digits}'::uuid::text", f"'{digits[1:]}'::uuid")

    # ---- time ----

    def date(self):
        if self.random.random() < 0.1:
            return self.pick("date 'infinity'", "date '-infinity'", "date '0044-03-15 BC'")
        return f"(date '2000-01-01' + {self.random.randint(-(10 ** self.pick(3, 5, 6)), 10**6)})"

    def moment(self, name=None):
        name = name or self.pick("timestamp", "timestamptz")
        if self.random.random() < 0.1:
            return f"{name} '" + self.pick("infinity", "-infinity", "0044-03-15 12:00+00 BC") + "'"
        seconds = self.random.randint(-(10 ** self.pick(6, 9, 10, 11)), 10**11)
        micros = self.pick("0", "0.5", "0.000001", f"0.{self.random.randint(0, 999999):06}")
        return f"({name} '2000-01-01 00:00+00' + interval '{seconds} sec' + interval '{micros} sec')"

    def interval(self):
        units = [
            f"{self.random.randint(-99, 99)} {unit}" for unit in ("years", "mons", "days", "hours", "mins")
        ]
        seconds = f"{self.random.randint(-99, 99)}.{self.random.randint(0, 999999):06} secs"
        chosen = self.random.sample([*units, seconds], self.random.randint(1, 6))
        return f"interval '{' '.join(chosen)}'"

    def times(self):
        date, moment, interval = self.date(), self.moment(), self.interval()
        clock = f"time '{self.random.randint(0, 23):02}:{self.random.randint(0, 59):02}:30.25'"
        part = self.pick("year", "month", "day", "hour", "second", "epoch", "dow")
        return self.pick(
            date,
            moment,
            interval,
            clock,
            f"{date} + {interval}",
            f"{moment} - {interval}",
            f"{self.moment('timestamp')} - {self.moment('timestamp')}",
            f"{date} - {self.date()}",
            f"extract({part} from {moment})",
            f"date_trunc('{self.pick('month', 'hour', 'century')}', {moment})",
            f"age({self.moment('timestamp')}, {self.moment('timestamp')})",
            f"{interval} * {self.random.randint(-9, 9)} / 7",
            f"{clock} + {interval}",
            f"{self.moment('timestamp')} at time zone 'Asia/Tokyo'",
            f"{clock}::timetz",
            f"make_date({self.random.randint(-4712, 9999)}, {self.random.randint(1, 13)}, 29)",
        )

    # ---- what is made of others ----

    def arrays(self):
        make = self.pick(
            lambda: self.integer("int4"),
            lambda: self.integer("int8"),
            lambda: f"({self.digits(6)})::numeric(20,8)",
            self.numeric,
            self.double,
            lambda: literal(self.string()),
            self.date,
            lambda: self.moment("timestamp"),
            lambda: self.moment("timestamptz"),
            self.interval,
            lambda: self.pick("true", "false"),
            lambda: f"'\\x{self.random.randbytes(3).hex()}'::bytea",
            lambda: "'[1, \"x\"]'::jsonb",
        )
        items = [make()] + [self.pick(make(), make(), "null") for _ in range(self.random.randint(0, 5))]
        array = f"array[{', '.join(items)}]"
        return self.pick(
            array,
            array,
            f"{array}[2]",
            f"cardinality({array})",
            f"array[{array}, {array}]",
            f"array_prepend({items[0]}, {array})",
            f"({array})[5:9]",
        )

    def others(self):
        return self.pick(
            "null",
            f"coalesce(null, {self.integer()})",
            f"case when {self.pick('true', 'false', 'null')} then {self.double()} end",
            f"{self.integer()} is null",
            "inet '10.0.0.1/8'",
            "money '-12.50'",
            "int4range(1, 5)",
            "'pg_class'::regclass",
            f"row({self.integer('int4')}, {literal(self.string())})",
            "B'10110'",
            "point '(1.5,-2)'",
            "'name'::name",
            "nope",
            "1 +",
            "no_such_function(1)",
        )

    def expression(self):
        return self.pick(
            *[self.integers, self.numerics, self.numerics, self.doubles, self.texts, self.bytes],
            *[self.documents, self.uuids, self.times, self.times, self.arrays, self.arrays],
            self.others,
        )()
