#!/usr/bin/env python3
"""Writes cases.inc: numbers and dates as Python's decimal and datetime see them.

Usage: tests/value/gen_cases.py > tests/value/cases.inc
"""

import datetime
import decimal
import random

MICROS_PER_DAY = 86400 * 10**6
CYCLE_DAYS = 146097  # of 400 years

random.seed(20260)
decimal.getcontext().prec = 100


def halves(integer):
    bits = integer % 2**128
    return "UINT64_C(0x%x), UINT64_C(0x%x)" % (bits >> 64, bits % 2**64)


def spell(value, scale):
    """The same number in one of the ways that people write it."""
    exact = value.quantize(decimal.Decimal(1).scaleb(-scale))
    spelling = random.randrange(4)
    if spelling == 0:
        return "%s" % format(exact, "f")
    if spelling == 1:
        return "%se-%d" % (int(exact.scaleb(scale)), scale)
    if spelling == 2:
        return "%sE+3" % format(exact.scaleb(-3), "f")
    return ("-" if exact.is_signed() else "+") + "00" + format(abs(exact), "f") + ("0" if scale else "")


def numeric_case(integer, precision, scale):
    value = decimal.Decimal(integer).scaleb(-scale)
    text = format(value, "f") if integer else format(decimal.Decimal(0).scaleb(-scale), "f")
    print(
        'NUMERIC(%d, %d, %s, "%s", "%s", %s)'
        % (precision, scale, halves(integer), spell(value, scale), text, float(value).hex())
    )


def numerics():
    for precision in range(1, 39):
        top = 10**precision - 1
        for scale in sorted({0, 1, precision // 2, precision - 1, precision}):
            if scale > precision:
                continue
            for integer in {top, -top, 1, -1, 0, random.randint(-top, top), 5 * 10 ** (precision - 1)}:
                numeric_case(integer, precision, scale)


def civil(year, month, day):
    """Days from 2000-01-01; the year is astronomical and may lie outside datetime's range."""
    cycles = (year - 2000) // 400
    date = datetime.date(year - 400 * cycles, month, day)
    return (date - datetime.date(2000, 1, 1)).days + cycles * CYCLE_DAYS


def text_of(year, month, day):
    written = "%04d-%02d-%02d" % (year if year > 0 else 1 - year, month, day)
    return written, " BC" if year <= 0 else ""


def days_in_month(year, month):
    following = civil(year + month // 12, month % 12 + 1, 1)
    return following - civil(year, month, 1)


def dates():
    years = [-4712, -4711, -400, -100, -4, -1, 0, 1, 2, 4, 100, 400, 1600, 1899, 1900, 1969, 1970]
    years += [1999, 2000, 2001, 2024, 2100, 9999, 10000, 99999, 100000, 294275, 294276]
    years += [random.randint(-4712, 294276) for _ in range(60)]
    for year in years:
        for month in {1, 2, 3, 12, random.randint(1, 12)}:
            for day in {1, days_in_month(year, month)}:
                print('DATE(%d, %d, %d, %d, "%s%s")' % ((year, month, day, civil(year, month, day)) + text_of(year, month, day)))


def timestamps():
    for _ in range(200):
        year, month = random.randint(-4712, 294276), random.randint(1, 12)
        day = random.randint(1, days_in_month(year, month))
        micros = random.choice([0, 1, 10**6, 123000, MICROS_PER_DAY - 1, random.randrange(MICROS_PER_DAY)])
        seconds, fraction = divmod(micros, 10**6)
        time = "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
        if fraction:
            time += (".%06d" % fraction).rstrip("0")
        date, era = text_of(year, month, day)
        print(
            'TIMESTAMP(INT64_C(%d), "%s %s%s")'
            % (civil(year, month, day) * MICROS_PER_DAY + micros, date, time, era)
        )


def main():
    print("/* Written by gen_cases.py. */\n/* clang-format off */")
    for macro, write in (("NUMERIC", numerics), ("DATE", dates), ("TIMESTAMP", timestamps)):
        print("#ifdef %s" % macro)
        write()
        print("#endif")


if __name__ == "__main__":
    main()
