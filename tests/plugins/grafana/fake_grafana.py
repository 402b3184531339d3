"""Stands in for Grafana: reports what it was given, then exits or waits for a signal.

usage: fake_grafana.py REPORT EXIT_CODE|wait

The report is JSON: the GF_ variables, and of each file below the private folder its mode, of each link its target.
"""

import json
import os
import signal
import sys


def folder_report(top):
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, top)
            if os.path.islink(path):
                found[relative] = {"link": os.readlink(path)}
            elif os.path.isdir(path):
                found[relative] = {"mode": oct(os.stat(path).st_mode & 0o7777)}
            else:
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                found[relative] = {"mode": oct(os.stat(path).st_mode & 0o7777), "text": text}
    return found


def main():
    report_path, ending = sys.argv[1:]
    if ending == "wait":
        for number, code in ((signal.SIGTERM, 7), (signal.SIGHUP, 8), (signal.SIGUSR1, 9)):
            signal.signal(number, lambda *_, code=code: os._exit(code))
    top = os.path.dirname(os.environ["GF_PATHS_PROVISIONING"])
    report = {
        "variables": {name: value for name, value in os.environ.items() if name.startswith(("GF_", "COFFER_"))},
        "folder": top,
        "files": folder_report(top),
    }
    with open(report_path, "w", encoding="utf-8") as file:
        json.dump(report, file)
    while ending == "wait":
        signal.pause()
    sys.exit(int(ending))


if __name__ == "__main__":
    main()
