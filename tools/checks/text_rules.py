"""Rules about text, names and documents."""

import posixpath
import re
import urllib.parse

from checks import house
from checks.tree import Finding, Rule

# Written in pieces, so that this file does not find itself.
_TODO = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X")) + r")\b(?!\(#\d+\))")
_WORKPLACE = re.compile("/wo" "rk/|farm-" "bench|" r"\bshared/" "reference" r"\b")
_SNAKE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*$")
_NAMED_ENDINGS = (".h", ".cc", ".py", ".sh", ".proto")


def _matches(tree, pattern):
    for path in tree.paths:
        text = tree.text(path)
        for match in pattern.finditer(text):
            yield path, text.count("\n", 0, match.start()) + 1, match.group()


def todo(tree):
    for path, line, word in _matches(tree, _TODO):
        yield Finding(path, line, "todo", f"{word} without an issue number, {word}(#12).")


def workplace(tree):
    for path, line, word in _matches(tree, _WORKPLACE):
        yield Finding(path, line, "workplace", f"{word} is a word of the workplace, not of the product.")


def snake_case(tree):
    for path in tree.paths:
        *folders, name = path.split("/")
        stem, ending = posixpath.splitext(name)
        if house.top(path) in house.PRODUCT + house.FREE and "corpus" not in folders:
            bad = [folder for folder in folders if not _SNAKE.match(folder)]
        else:
            bad = []
        if ending in _NAMED_ENDINGS and not _SNAKE.match(stem.strip("_")):
            bad.append(name)
        for word in bad:
            yield Finding(path, 1, "snake-case", f"{word} is not snake_case.")


def empty_name(tree):
    for path in tree.paths:
        for name in path.split("/"):
            stem = name.lstrip(".").split(".")[0].lower()
            words = set(re.split(r"[_-]", stem)) & house.BANNED_NAME_WORDS
            if stem in house.BANNED_NAMES or words:
                yield Finding(path, 1, "empty-name", f"{name} says nothing about what is inside.")


_FIELD = re.compile(r"\s*(?!option\b|reserved\b|syntax\b|package\b|import\b)[\w.][\w.<>, \t]*\s\w+\s*=\s*\d+\s*[;\[]")
_RPC = re.compile(r"\s*rpc\s+\w+")


def proto_comment(tree):
    for path in tree.select(None, (".proto",)):
        lines = tree.text(path).split("\n")
        for number, line in enumerate(lines, 1):
            declaration, slashes, comment = line.partition("//")
            if not (_FIELD.match(declaration) or _RPC.match(declaration)):
                continue
            above = lines[number - 2].strip() if number > 1 else ""
            if not (slashes and comment.strip()) and not above.startswith("//") and not above.endswith("*/"):
                sentence = "A field or rpc has a comment directly above or at the line's end."
                yield Finding(path, number, "proto-comment", sentence)


_FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[^\n]*", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_INLINE_LINK = r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)"
_REFERENCE_LINK = r"^[ \t]*\[[^\]\n]+\]:[ \t]*<?([^\s>]+)>?"
_LINK = re.compile(f"{_INLINE_LINK}|{_REFERENCE_LINK}", re.MULTILINE)


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def doc_links(tree):
    known = set(tree.paths) | {posixpath.dirname(path) for path in tree.paths}
    for path in tree.select(None, (".md",)):
        if path != "README.md" and not path.startswith("docs/"):
            continue
        text = _CODE_SPAN.sub(_blank, _FENCE.sub(_blank, tree.text(path)))
        for match in _LINK.finditer(text):
            link = match[1] or match[2]
            target = urllib.parse.unquote(link.split("#")[0])
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if joined not in known and not any(folder.startswith(joined + "/") for folder in known) and joined != ".":
                line = text.count("\n", 0, match.start()) + 1
                yield Finding(path, line, "doc-links", f"{link} points to no file of the repository.")


RULES = [
    Rule("todo", "A note for later carries its issue's number.", todo),
    Rule("workplace", "No word of the workplace in a tracked file.", workplace),
    Rule("snake-case", "Source files and folders are snake_case.", snake_case),
    Rule("empty-name", "No file or folder is called util, helper, common, misc, manager, data, info.", empty_name),
    Rule("proto-comment", "Every proto field and rpc has a comment.", proto_comment),
    Rule("doc-links", "Relative links in README.md and docs/ point to files that exist.", doc_links),
]
