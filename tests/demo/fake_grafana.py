#!/usr/bin/python3
"""Stands in for Grafana in the demo: reads the datasource files that it was given, and prints checksums, never values.

With a folder as argument it reads that one, else the one that GF_PATHS_PROVISIONING names, as Grafana does.
"""

import hashlib
import os
import pathlib
import sys

import yaml


def checksums(folder):
    for path in sorted(folder.glob("datasources/*.yaml")):
        for datasource in yaml.safe_load(path.read_text())["datasources"]:
            for key, value in sorted(datasource.get("secureJsonData", {}).items()):
                literal = str(value).replace("$$", "$")  # Grafana reads $$ as $
                yield f"{datasource['name']} {key} sha256:{hashlib.sha256(literal.encode()).hexdigest()[:16]}"


def main(argv):
    folder = pathlib.Path(argv[1] if len(argv) > 1 else os.environ["GF_PATHS_PROVISIONING"])
    if len(argv) == 1:
        print(f"started with {folder}:")
        for path in sorted(folder.rglob("*.yaml")):
            print(f"  {path.relative_to(folder)}, mode {path.stat().st_mode & 0o777:o}, {path.stat().st_size} bytes")
    for line in checksums(folder):
        print(line)


if __name__ == "__main__":
    main(sys.argv)
