"""Rules about C++ code: banned calls, counted exceptions, headers, lengths."""

import ast
import re
from typing import NamedTuple

from checks import house
from checks.tree import Finding, Rule, functions

_CPP = (".h", ".cc")
_EVERYONE = house.PRODUCT + house.FREE
_SCRIPTS = (".py", ".sh")
FUNCTION_LINES_MAX, FUNCTION_LINES_P90_MAX, FUNCTIONS_FOR_P90 = 70, 40, 20
FILE_LINES_MAX, LINE_WIDTH_MAX = 500, 120


class Ban(NamedTuple):
    rule: str
    what: str  # for --list
    pattern: str
    sentence: str  # why, or what instead
    folders: tuple = house.PRODUCT
    allowed: tuple = ()  # path prefixes
    main_allowed: bool = False  # in any main.cc

    def description(self):
        return f"{self.what}: {self.sentence}"


BANS = [
    Ban("unsafe-string", "strcpy, strcat, sprintf, vsprintf, gets, strtok",
        r"\b(?:strcpy|strcat|v?sprintf|gets|strtok)\s*\(", "Unbounded C string call."),
    Ban("shell", "system(), popen()", r"\b(?:system|popen)\s*\(",
        "Starts a shell; io/ has the door to child processes."),
    Ban("weak-random", "rand(), srand()", r"\bs?rand\s*\(", "Not a random source; take crypto/'s."),
    Ban("loose-number", "atoi, atof, strtol, std::stoi and their families",
        r"\b(?:ato(?:i|l|ll|f)|strto(?:u?ll?|f|l?d|[iu]max))\s*\(|\bstd::sto(?:u?ll?|i|f|l?d)\b",
        "Parses numbers loosely; take std::from_chars and check the rest."),
    Ban("output", "std::cout, std::cerr, std::clog", r"\bstd::(?:cout|cerr|clog)\b",
        "Only cli/ and a main.cc write to the terminal.", allowed=("cli/",), main_allowed=True),
    Ban("environment", "getenv()", r"\b(?:secure_)?getenv\s*\(",
        "Only cli/, client/, keysvc/main.cc and keysvc/config.cc read the environment.",
        allowed=("cli/", "client/", "keysvc/main.cc", "keysvc/config.cc")),
    Ban("debug-string", "DebugString and its family, PrintToString",
        r"\b(?:Short|Utf8)?DebugString\b|\bPrintToString\b", "Prints whole messages, secrets included."),
    Ban("const-cast", "const_cast", r"\bconst_cast\b", "const is a promise."),
    Ban("using-namespace", "using namespace", r"\busing\s+namespace\b", "Name what is used."),
    Ban("std-regex", "std::regex", r"\bstd::(?:basic_)?regex\b",
        "Unbounded in stack and time; write a bounded parser."),
    Ban("sleep", "sleep, usleep, nanosleep, sleep_for, sleep_until (in tests as well)",
        r"\b(?:u|nano|clock_nano)?sleep\s*\(|\bsleep_(?:for|until)\b", "Wait for a condition, never for time.",
        folders=_EVERYONE),
    Ban("assert", "assert()", r"\bassert\s*\(", "Gone in release builds; use COFFER_CHECK."),
]

# Allowed as often as tools/check.allow says, file by file.
COUNTED = [
    Ban("expose", "Expose(", r"\bExpose\s*\(", "Secret bytes come out here."),
    Ban("reinterpret-cast", "reinterpret_cast", r"\breinterpret_cast\b", "Reinterprets memory."),
    Ban("naked-new", "new and delete expressions", r"\b(?:new|delete)\b",
        "Owns by hand; use std::make_unique or a handle type."),
    Ban("catch-all", "catch (...)", r"\bcatch\s*\(\s*\.\.\.\s*\)", "Catches everything."),
    Ban("memcmp", "memcmp in crypto/", r"\bmemcmp\s*\(", "Not in constant time.", folders=("crypto",)),
]
COUNTED_RULES = [(ban.rule, ban.description()) for ban in COUNTED]

# No expression: an include, a deleted function, an allocation function's name.
_NOT_CODE = re.compile(r"^[ \t]*#[ \t]*include[^\n]*|=\s*delete\b|\boperator\s*(?:new|delete)\b", re.MULTILINE)


def _line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def _uses(tree, ban):
    for path in tree.select(ban.folders, _CPP):
        if path.startswith(ban.allowed) or (ban.main_allowed and path.endswith("/main.cc")):
            continue
        code = _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), tree.code(path))
        for match in re.finditer(ban.pattern, code):
            yield path, _line_at(code, match.start()), match.group().rstrip("( \t")


def _ban_rule(ban):
    def find(tree):
        for path, line, used in _uses(tree, ban):
            yield Finding(path, line, ban.rule, f"{used}: {ban.sentence}")

    return Rule(ban.rule, ban.description(), find)


def counted_uses(tree):
    """{(rule, path): [(line, sentence), ...]} of the rules whose uses the allowlist counts."""
    counted = {}
    for ban in COUNTED:
        for path, line, _ in _uses(tree, ban):
            counted.setdefault((ban.rule, path), []).append((line, ban.sentence))
    return counted


_GUARD = re.compile(r"^[ \t]*#[ \t]*ifndef[ \t]+(\w+)[ \t]*\n\s*#[ \t]*define[ \t]+\1[ \t]*$", re.MULTILINE)


def pragma_once(tree):
    for path in tree.select(_EVERYONE, (".h",)):
        code = tree.code(path)
        guard = _GUARD.search(code)
        if not re.search(r"^#pragma once\s*$", code, re.MULTILINE):
            yield Finding(path, 1, "pragma-once", "A header has #pragma once.")
        elif guard and re.search(r"_H_*$", guard[1]):
            yield Finding(path, _line_at(code, guard.start()), "pragma-once", "#pragma once, no include guard.")


def header_comment(tree):
    for path in tree.select(house.PRODUCT, (".h",)):
        block = re.match(r"(?:\s*//[^\n]*\n)+|\s*/\*.*?\*/", tree.text(path), re.DOTALL)
        lines = block.group().split("\n") if block else []
        said = " ".join(line for line in lines if not re.search(r"Copyright|SPDX|Licen[sc]e", line))
        if len(re.findall(r"[A-Za-z]{2,}", said)) < 3:
            yield Finding(path, 1, "header-comment", "A header starts with a comment that says what it is.")


def _python_functions(text):
    try:
        nodes = ast.walk(ast.parse(text))
    except SyntaxError:
        return []
    return [(n.lineno, n.end_lineno) for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def function_length(tree):
    for path in tree.paths:
        if house.top(path) in _EVERYONE and tree.kind(path) in _CPP:
            spans = functions(tree.code(path))
        elif tree.kind(path) == ".py":
            spans = _python_functions(tree.text(path))
        else:
            continue
        for first, last in spans:
            length = last - first + 1
            if length > FUNCTION_LINES_MAX:
                sentence = f"A function of {length} lines; the limit is {FUNCTION_LINES_MAX}."
                yield Finding(path, first, "function-length", sentence)


def function_p90(tree):
    spans = []
    for path in tree.select(house.PRODUCT, _CPP):
        spans += [(span.length, path, span.first) for span in functions(tree.code(path))]
    if len(spans) < FUNCTIONS_FOR_P90:
        return
    length, path, line = sorted(spans)[-(-len(spans) * 9 // 10) - 1]
    if length > FUNCTION_LINES_P90_MAX:
        sentence = f"The 90th percentile of {len(spans)} functions is {length} lines; limit {FUNCTION_LINES_P90_MAX}."
        yield Finding(path, line, "function-p90", sentence)


def file_length(tree):
    for path in tree.select(None, _CPP + _SCRIPTS):
        lines = tree.text(path).count("\n")
        if lines > FILE_LINES_MAX:
            yield Finding(path, FILE_LINES_MAX + 1, "file-length", f"{lines} lines; the limit is {FILE_LINES_MAX}.")


def line_width(tree):
    for path in tree.select(None, _CPP + _SCRIPTS + (".proto", ".cmake")):
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            if len(line) > LINE_WIDTH_MAX and "https://" not in line:
                yield Finding(path, number, "line-width", f"{len(line)} columns; the limit is {LINE_WIDTH_MAX}.")


RULES = [_ban_rule(ban) for ban in BANS] + [
    Rule("pragma-once", "Headers use #pragma once, no include guards.", pragma_once),
    Rule("header-comment", "A product header starts with a comment that says what it is.", header_comment),
    Rule("function-length", f"No function over {FUNCTION_LINES_MAX} lines, tests included.", function_length),
    Rule("function-p90", f"90th percentile of the product's functions at most {FUNCTION_LINES_P90_MAX} lines.",
         function_p90),
    Rule("file-length", f"No source file over {FILE_LINES_MAX} lines.", file_length),
    Rule("line-width", f"No source line over {LINE_WIDTH_MAX} columns (a line with a URL excepted).", line_width),
]
