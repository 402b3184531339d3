"""Rules about includes: the floors, the doors, the third-party libraries. The tables are in house.py."""

import re

from checks import house
from checks.tree import Finding, Rule

_INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
_CPP = (".h", ".cc")


def _includes(tree, folders):
    """(path, line, quoted?, header) of each include in the folders' C++ files."""
    for path in tree.select(folders, _CPP):
        raw = tree.text(path).split("\n")
        for number, line in enumerate(tree.code(path).split("\n"), 1):
            if line.lstrip().startswith("#"):
                match = _INCLUDE.match(raw[number - 1])
                if match:
                    yield path, number, match[1] == '"', match[2]


def _floor_of(header):
    return "proto" if header.startswith(house.GENERATED_PREFIX) else house.top(header)


def _in_house(header):
    return _floor_of(header) in house.FLOORS or _floor_of(header) in house.FREE


def include_root(tree):
    for path, line, quoted, header in _includes(tree, house.PRODUCT + house.FREE):
        server_header = house.top(path) == "pgext" and not header.startswith(".")
        if quoted and not _in_house(header) and not server_header:
            yield Finding(path, line, "include-root", f'"{header}" is not written from the repository\'s root.')


def floors(tree):
    for path, line, quoted, header in _includes(tree, house.PRODUCT):
        here, there = house.top(path), _floor_of(header)
        if not quoted or not _in_house(header) or header in house.SINGLE_HEADERS.get(here, ()):
            continue
        if there not in house.FLOORS[here]:
            yield Finding(path, line, "floors", f"{here}/ may not include {there}/ ({header}).")
        elif here == there == "keysvc":
            yield from _keysvc_floors(path, line, header)


def _inner(path):
    return path.split("/")[1] if path.count("/") > 1 else ""


def _keysvc_floors(path, line, header):
    here, there = _inner(path), _inner(header)
    if path not in house.KEYSVC_ROOF and there not in house.KEYSVC_FLOORS.get(here, {here}):
        sentence = f"keysvc/{here or '*'} may not include keysvc/{there or '*'} ({header})."
        yield Finding(path, line, "floors", sentence)


def third_party(tree):
    for path, line, quoted, header in _includes(tree, house.PRODUCT):
        library = next((entry for entry in house.LIBRARIES if entry[0].match(header)), None)
        if library and not path.startswith(library[2]):
            where = ", ".join(library[2]) or "tests/ and bench/"
            yield Finding(path, line, "third-party", f"{library[1]} ({header}) belongs in {where} only.")
        elif not library and not quoted and not house.SYSTEM_HEADER.match(header) and house.top(path) != "pgext":
            yield Finding(path, line, "third-party", f"<{header}> is in no table of tools/checks/house.py.")


def machine_door(tree):
    for path, line, quoted, header in _includes(tree, tuple(house.MACHINE_HEADERS)):
        here = house.top(path)
        if not quoted and house.MACHINE_HEADERS[here].match(header):
            sentence = f"<{header}> in {here}/: files, sockets, threads and clocks are io/'s."
            yield Finding(path, line, "machine-door", sentence)


def banned_header(tree):
    instead = {"regex": "write a bounded parser", "cassert": "use COFFER_CHECK", "assert.h": "use COFFER_CHECK"}
    for path, line, quoted, header in _includes(tree, house.PRODUCT):
        if not quoted and header in instead:
            yield Finding(path, line, "banned-header", f"<{header}> is banned: {instead[header]}.")


RULES = [
    Rule("include-root", "Quoted includes are written from the repository's root.", include_root),
    Rule("floors", "Includes point down the floors only, inside keysvc/ as well.", floors),
    Rule("third-party", "A third-party header is included only where the house's table says.", third_party),
    Rule("machine-door", "crypto/ and policy/ open no file, socket or thread, crypto/ no clock.", machine_door),
    Rule("banned-header", "<regex> and <cassert> are not included.", banned_header),
]
