#!/usr/bin/env python3
"""Writes src/value/pow10_128.inc: the powers of ten that printing doubles needs.

Each entry is 10^k scaled by a power of two into 2^127 <= g < 2^128 and rounded up, as two 64-bit
halves, for k from -292 to 324 (Giulietti, "The Schubfach way to render doubles", section 9.9).

Usage: tools/gen_pow10.py > src/value/pow10_128.inc
"""

from fractions import Fraction

FIRST, LAST = -292, 324


def scaled(k):
    power = Fraction(10) ** k
    shift = 0
    while power >= 2 ** 128:
        power /= 2
        shift -= 1
    while power < 2 ** 127:
        power *= 2
        shift += 1
    up = -(-power.numerator // power.denominator)
    return up >> 64, up & (2 ** 64 - 1)


def main():
    print(f"/* 10^k for k from {FIRST} to {LAST}; written by tools/gen_pow10.py. */")
    for k in range(FIRST, LAST + 1):
        high, low = scaled(k)
        print(f"{{UINT64_C(0x{high:016x}), UINT64_C(0x{low:016x})}}, /* {k} */")


if __name__ == "__main__":
    main()
