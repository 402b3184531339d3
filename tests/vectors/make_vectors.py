#!/usr/bin/python3
"""Makes the test vectors beside it: an independent second implementation of docs/FORMAT.md.

It was written from docs/FORMAT.md alone, before and without the C++ codecs, so that an agreement
of both means that the page is clear. Run it with Debian's python3 and python3-cryptography:

    python3 tests/vectors/make_vectors.py            write the JSON files beside this one
    python3 tests/vectors/make_vectors.py --check    compare with the files; exit 1 if they differ
    python3 tests/vectors/make_vectors.py --long     also the 1,000,000 rounds of XAES (minutes)

It starts by checking its own primitives against published values, and it never writes a case that
its own decryptor does not decrypt, or refuse for the named reason. The bytes are the same at each
run. The work is in maker/, one file a section of the page and one a file of cases.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

from maker import (age_cases, derive_cases, external, field_cases, index_cases, names_cases,  # noqa: E402
                   row_mac_cases, share_cases, value_cases, wrapped_key_cases)

HERE = pathlib.Path(__file__).resolve().parent
MAKERS = {
    "field_ciphertext.json": field_cases.make_file,
    "field_ciphertext_siv.json": field_cases.make_siv_file,
    "value_encoding.json": value_cases.make_file,
    "wrapped_key.json": wrapped_key_cases.make_file,
    "row_mac.json": row_mac_cases.make_file,
    "index_tokens.json": index_cases.make_file,
    "derive.json": derive_cases.make_file,
    "names.json": names_cases.make_file,
    "age.json": age_cases.make_file,
    "shares.json": share_cases.make_file,
}
POSITIVES_MIN, NEGATIVES_MIN = 20, 60


def check_counts(name, cases):
    """docs/FORMAT.md asks for so many; a derivation has nothing to refuse."""
    assert len(cases.positives) >= POSITIVES_MIN, name
    assert len(cases.negatives) >= NEGATIVES_MIN or name == "derive.json", name


def make_all():
    """File name -> (text, counts)."""
    made = {}
    for name, make_file in MAKERS.items():
        cases = make_file()
        check_counts(name, cases)
        made[name] = (cases.render(), cases.counts())
    made["external.json"] = (external.render(), external.counts())
    return made


def differs(path, text):
    return not path.exists() or path.read_bytes() != text.encode("ascii")


def main():
    parser = argparse.ArgumentParser(description="make the test vectors")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--long", action="store_true", help="all rounds of accumulated XAES")
    options = parser.parse_args()
    external.check(rounds_max=1000000 if options.long else 10000)

    different = []
    for name, (text, counts) in make_all().items():
        path = HERE / name
        if options.check and differs(path, text):
            different.append(name)
        elif not options.check:
            path.write_bytes(text.encode("ascii"))
        print("%-28s %s" % (name, counts))
    for name in different:
        print("%s differs from what this program makes" % name, file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
