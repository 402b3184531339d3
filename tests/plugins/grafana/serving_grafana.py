#!/usr/bin/python3
"""Stands in for a Grafana that runs: reads its provisioning folder at its start and whenever its admin API is told to.

usage: serving_grafana.py FOLDER

Standard input is the socket that it serves on. In FOLDER: `password` is what the admin API wants from admin, read for
each request; `cert.pem`, where it is there, makes it serve TLS, with its key in `key.pem`; `held.json` is what it read
last, with a count of its reloads; `given.json` the words and variables that it was given; `asked` has the paths of
requests. While `hang` is there a reload waits, and says so in `hanging`; `answer` is a status to refuse with, with a
Location. SIGTERM ends it with 7, SIGHUP is counted in `hangups`.
"""

import base64
import http.server
import json
import os
import pathlib
import select
import signal
import socket
import ssl
import sys

FOLDER = pathlib.Path(sys.argv[1])
RELOAD = "/api/admin/provisioning/datasources/reload"


def replace(name, text):
    fresh = FOLDER / (name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(FOLDER / name)


class Grafana:
    reloads = -1

    @classmethod
    def read_files(cls):
        cls.reloads += 1
        folder = pathlib.Path(os.environ["GF_PATHS_PROVISIONING"]) / "datasources"
        files = {path.name: [oct(path.stat().st_mode & 0o7777), path.read_text(encoding="utf-8")]
                 for path in sorted(folder.iterdir())}
        replace("held.json", json.dumps({"reloads": cls.reloads, "files": files, "folder": str(folder.parent.parent)}))


class Api(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, text, **headers):
        body = json.dumps({"message": text}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        with open(FOLDER / "asked", "a", encoding="utf-8") as asked:
            asked.write(self.path + "\n")
        if self.path != RELOAD:
            return self.answer(404, "Not found")
        refusal = FOLDER / "answer"
        if refusal.exists():
            return self.answer(int(refusal.read_text()), "no", Location="/elsewhere")
        password = (FOLDER / "password").read_text(encoding="utf-8")
        wanted = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            return self.answer(401, "Invalid username or password: " + str(self.headers.get("Authorization")))
        while (FOLDER / "hang").exists():
            (FOLDER / "hanging").touch()
            select.select([], [], [], 0.01)
        Grafana.read_files()
        return self.answer(200, "Datasources config reloaded")


def main():
    hangups = []

    def count_hangup(*_):
        hangups.append(1)
        replace("hangups", str(len(hangups)))

    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    signal.signal(signal.SIGHUP, count_hangup)
    replace("given.json", json.dumps({"words": sys.argv, "variables": dict(os.environ)}))
    Grafana.read_files()
    server = http.server.ThreadingHTTPServer(("", 0), Api, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=os.dup(0))
    if (FOLDER / "cert.pem").exists():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
