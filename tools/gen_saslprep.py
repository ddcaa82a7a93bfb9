#!/usr/bin/env python3
"""Writes src/wire/saslprep.inc: the tables of RFC 3454 that SASLprep (RFC 4013) needs, as ranges of
code points, from Python's own copy of the RFC (the module stringprep).

Usage: tools/gen_saslprep.py > src/wire/saslprep.inc
"""

import stringprep
import textwrap

TABLES = [
    ("mapped_to_space", "C.1.2", [stringprep.in_table_c12]),
    ("mapped_to_nothing", "B.1", [stringprep.in_table_b1]),
    ("prohibited", "C.1.2, C.2.1, C.2.2, C.3 to C.9", [
        stringprep.in_table_c12, stringprep.in_table_c21, stringprep.in_table_c22,
        stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5,
        stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
        stringprep.in_table_c9,
    ]),
    ("unassigned", "A.1", [stringprep.in_table_a1]),
    ("right_to_left", "D.1", [stringprep.in_table_d1]),
    ("left_to_right", "D.2", [stringprep.in_table_d2]),
]


def ranges(predicates):
    found = []
    for code in range(0x110000):
        if any(holds(chr(code)) for holds in predicates):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return found


def main():
    print("/* RFC 3454's tables as ranges; written by tools/gen_saslprep.py. */")
    for name, source, predicates in TABLES:
        # A pair is kept on one line by a character that is not there.
        body = " ".join(f"{{0x{first:x},~0x{last:x}}}," for first, last in ranges(predicates))
        print(f"\n/* {source} */\nstatic const code_range {name}[] = {{")
        print(textwrap.fill(body, 98, initial_indent="    ", subsequent_indent="    ",
                            break_on_hyphens=False).replace("~", " "))
        print("};")


if __name__ == "__main__":
    main()
