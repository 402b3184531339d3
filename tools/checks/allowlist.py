"""tools/check.allow: the counted exceptions. A line is `rule path count  # reason`."""

import re

from checks.tree import Finding

PATH = "tools/check.allow"
_LINE = re.compile(r"(?P<rule>[a-z-]+)\s+(?P<path>\S+)\s+(?P<count>\d+)(?P<reason>\s*(#.*)?)$")


def _read(root):
    """The lines, the entries as {(rule, path): (line number, count)}, the findings about the file itself."""
    file = root / PATH
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    entries, findings = {}, []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            findings.append(Finding(PATH, number, "allowlist", "A line is `rule path count  # reason`."))
        elif (match["rule"], match["path"]) in entries:
            findings.append(Finding(PATH, number, "allowlist", f"{match['rule']} {match['path']} is listed twice."))
        else:
            entries[match["rule"], match["path"]] = (number, int(match["count"]))
    return lines, entries, findings


def compare(root, counted):
    """Findings where the uses, {(rule, path): [(line, sentence), ...]}, differ from the allowlist."""
    _, entries, findings = _read(root)
    for (rule, path), uses in counted.items():
        _, allowed = entries.get((rule, path), (0, 0))
        if len(uses) > allowed:
            line, sentence = uses[allowed]
            findings.append(Finding(path, line, rule, f"{sentence} {len(uses)} here, the allowlist has {allowed}."))
    for (rule, path), (line, allowed) in entries.items():
        actual = len(counted.get((rule, path), ()))
        if actual < allowed:
            sentence = f"{rule} {path}: {actual} of {allowed} are left, lower the allowlist to {actual}."
            findings.append(Finding(PATH, line, "allowlist", sentence))
    return findings


def update(root, counted, grow):
    """Rewrites the allowlist to the actual counts, raising only when `grow`; returns what it did, a line each."""
    lines, entries, _ = _read(root)
    report, kept = [], list(lines)
    for (rule, path), (number, allowed) in entries.items():
        actual = len(counted.get((rule, path), ()))
        if actual == allowed or (actual > allowed and not grow):
            continue
        reason = _LINE.match(lines[number - 1])["reason"]
        kept[number - 1] = f"{rule} {path} {actual}{reason}" if actual else None
        report.append(f"{PATH}: {rule} {path}: {allowed} -> {actual}")
    if grow:
        for rule, path in sorted(set(counted) - set(entries)):
            kept.append(f"{rule} {path} {len(counted[rule, path])}")
            report.append(f"{PATH}: {rule} {path}: 0 -> {len(counted[rule, path])}")
    if report:
        (root / PATH).write_text("".join(f"{line}\n" for line in kept if line is not None), encoding="utf-8")
    return report
