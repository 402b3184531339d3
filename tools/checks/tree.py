"""The files under check: which there are, their text, their C++ with comments and literals blanked, their functions."""

import bisect
import os
import pathlib
import re
import subprocess
from typing import Callable, NamedTuple


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    sentence: str


class Rule(NamedTuple):
    name: str
    sentence: str  # what --list prints
    find: Callable  # Tree -> iterable of Finding


class Span(NamedTuple):
    """The first and the last line of a function, signature included."""

    first: int
    last: int

    @property
    def length(self):
        return self.last - self.first + 1


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(path for path in _list_files(self.root) if (self.root / path).is_file())
        self._text = {}
        self._code = {}
        self._kind = {}

    def text(self, path):
        """The file's text; "" for a binary file."""
        if path not in self._text:
            raw = (self.root / path).read_bytes()
            self._text[path] = "" if b"\0" in raw else raw.decode("utf-8", errors="replace")
        return self._text[path]

    def code(self, path):
        """The text of a C++ file, comments and the insides of literals blanked, lines and columns kept."""
        if path not in self._code:
            self._code[path] = blank_literals(self.text(path))
        return self._code[path]

    def select(self, folders=None, endings=None):
        for path in self.paths:
            if folders is not None and path.split("/", 1)[0] not in folders:
                continue
            if endings is None or self.kind(path) in endings:
                yield path

    def kind(self, path):
        """The file's ending; .py or .sh for a script without one."""
        if path not in self._kind:
            self._kind[path] = self._find_kind(path)
        return self._kind[path]

    def _find_kind(self, path):
        name = path.rsplit("/", 1)[-1]
        ending = os.path.splitext(name)[1]
        if ending or not path.startswith(("tools/", ".ci/", "tests/", "deploy/")):
            return ending
        first = self.text(path).split("\n", 1)[0]
        if first.startswith("#!"):
            return ".py" if "python" in first else ".sh"
        return ""


def _list_files(root):
    git = ["git", "-c", f"safe.directory={root}", "-C", str(root)]
    try:
        top = subprocess.run(git + ["rev-parse", "--show-toplevel"], capture_output=True, check=True)
        if pathlib.Path(os.fsdecode(top.stdout).rstrip("\n")).resolve() == root.resolve():
            listing = subprocess.run(git + ["ls-files", "-coz", "--exclude-standard"], capture_output=True, check=True)
            return {os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}
    except (OSError, subprocess.CalledProcessError):
        pass
    return set(_walk(root))  # a source archive without .git


def _walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", ".cache", "build", "__pycache__")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


_LITERAL = re.compile(
    r"""//[^\n]*
      | /\*.*?(?:\*/|\Z)
      | (?<![A-Za-z0-9_])(?:u8|u|U|L)?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![A-Za-z0-9_])(?:u8|u|U|L)?'(?:\\.|[^'\\\n])+'""",
    re.VERBOSE | re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")


def blank_literals(text):
    def blank(match):
        found = match.group()
        if found.startswith("/"):
            return _NOT_NEWLINE.sub(" ", found)
        quote = found[-1]  # the quotes stay, so that a literal remains an operand
        return quote + _NOT_NEWLINE.sub(" ", found[1:-1]) + quote

    return _LITERAL.sub(blank, text)


_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"[{}();]")


def functions(code):
    """The Span of every function in blanked C++; lambdas and local classes count as part of the function around."""
    code = _DIRECTIVE.sub(lambda match: _NOT_NEWLINE.sub(" ", match.group()), code)
    newlines = [match.start() for match in re.finditer("\n", code)]
    spans, inside, depth, parens, head = [], "", 0, 0, 0
    for match in _MARK.finditer(code):
        mark, at = match.group(), match.start()
        if inside:  # in a function's body or a braced value: only count
            depth += (mark == "{") - (mark == "}")
            if depth == 0:
                if inside == "function":
                    first = bisect.bisect_left(newlines, _signature_start(code, head, at)) + 1
                    spans.append(Span(first, bisect.bisect_left(newlines, at) + 1))
                    head = at + 1
                inside = ""
        elif mark == ";":
            head, parens = at + 1, 0
        elif mark in "()":
            parens = max(0, parens + (1 if mark == "(" else -1))
        elif mark == "}":
            head = at + 1
        else:
            inside = "value" if parens else _classify(code[head:at])
            depth = 1
            if inside == "scope":
                inside, head = "", at + 1
    return spans


_LABELS = re.compile(r"(\s*(public|private|protected)\s*:(?!:))*\s*")
_TYPE = re.compile(r"\b(?:class|struct|union|enum)\b((?:[^:]|::)*)")
_INIT_LIST = re.compile(r"\(\)\s*(?:noexcept\s*(?:\(\))?\s*)?(?:try\s*)?:(?!:)")
_LAMBDA = re.compile(r"\[[^\]]*\]\s*(\(\)[^=;]*)?$")


def _signature_start(code, head, end):
    return _LABELS.match(code, head, end).end()


def _collapse(text, pattern, replacement):
    before = None
    while before != text:
        before, text = text, re.sub(pattern, replacement, text)
    return text


def _classify(head):
    """What the brace after `head` opens, outside of functions: "scope" (namespace, type), "function" or "value"."""
    flat = _LABELS.sub("", head, count=1)
    flat = _collapse(flat, r"\{[^{}]*\}", "\x01").replace("\x01", "{}")
    flat = _collapse(flat, r"\(([^()\x02]|\x02)*\)", "\x02").replace("\x02", "()")
    flat = re.sub(r"\[\[.*?\]\]", "", flat, flags=re.DOTALL)
    flat = re.sub(r"\boperator\s*(\(\)(?=\s*\()|[^\s\w()]+)", "operator", flat)
    flat = _collapse(flat, r"<[^<>;]*>", "")
    if re.search(r"\bnamespace\b", flat) or re.search(r'\bextern\s+"[^"]*"\s*$', flat):
        return "scope"
    declared = _TYPE.search(re.sub(r"\b(alignas|[A-Z][A-Z0-9_]+)\s*\(\)", "", flat))
    if declared and "()" not in declared.group(1) and "=" not in declared.group(1):
        return "scope"
    if _LAMBDA.search(flat):
        return "function"
    if "()" not in flat or re.search(r"(?<![=!<>])=(?!=)", flat):
        return "value"
    if _INIT_LIST.search(flat) and re.search(r"[\w>]\s*$", flat):
        return "value"  # the braces of a member in a constructor's initialiser list
    return "function"
