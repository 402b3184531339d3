"""The persons of a service: alice, who uses the admin's unix socket, bob, another administrator, who has a certificate,
and a policy that names both and lets bob approve what alice asks for.

Uses a service of tests/e2e/service.py or of tests/cli/service.py.
"""

import json
import os
import shutil

from certificates import Certificates

DOMAIN = "example.org"
APPROVALS = 'approvals = { count = 1, roles = ["admin"], minutes = 30 }\n'


class People:
    """Its config() is for a service that is not yet started; the rest for one that is, and is unsealed."""

    def __init__(self, service, uid=None):
        self.service = service
        self.uid = uid
        self.folder = service.folder / "people"
        self.folder.mkdir(mode=0o700)
        self.certificates = Certificates(self.folder)
        self.certificates.issue_server()
        self.principals = {"alice": f"unix:admin:{os.getuid() if uid is None else uid}"}
        self.keys = {}  # public ones, by name
        self.add("bob", "admin")

    def add(self, name, role):
        """Somebody who has a certificate, and whom the next policy names."""
        self.principals[name] = self.certify(name, role)

    def certify(self, name, role):
        """A certificate; its principal."""
        principal = f"spiffe://{DOMAIN}/role/{role}/{name}"
        self.certificates.issue(name, f"URI:{principal}")
        self._give_to_its_user()
        return principal

    def _give_to_its_user(self):
        if self.uid is not None:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self.uid, self.uid)

    def config(self):
        return self.certificates.tcp_config(DOMAIN)

    def listen_for_tokens(self):
        """Before the service is started: it takes bearer tokens, too."""
        path = self.certificates.path
        with open(self.service.config_file, "a", encoding="utf-8") as config:
            config.write(f'\n[tokens]\nlisten = "127.0.0.1:0"\ncertificate = "{path("server", "pem")}"\n'
                         f'key = "{path("server", "key")}"\n')

    def key(self, name):
        """The file of somebody's signing key, made when it is first asked for."""
        path = str(self.folder / f"{name}-signs.key")
        if name not in self.keys:
            made = self.service.json("identity", "new", "--name", name, "--key", path, "--no-passphrase")
            self.keys[name] = made["key"]
        return path

    def take_keys(self, others):
        """The signing keys of the same persons elsewhere."""
        for name, key in others.keys.items():
            shutil.copy(others.key(name), self.folder)
            self.keys[name] = key

    def caller(self, name):
        """Arguments for the service's run() and its like, to call as this person."""
        if name == "alice":
            return (), {}
        return self.certificates.options(name), {"server": f"localhost:{self.port()}"}

    def port(self):
        """On which the service listens since its last start."""
        return int(self.service.log().rsplit("mutual TLS 1.3 on port ", 1)[1].split()[0])

    def token_port(self):
        """On which the service takes tokens since its last start."""
        return int(self.service.log().rsplit("bearer tokens with TLS 1.3 on port ", 1)[1].split()[0])

    def run_as(self, name, *command, **options):
        words, place = self.caller(name)
        return self.service.run(*command, *words, **place, **options)

    def ok_as(self, name, *command, **options):
        words, place = self.caller(name)
        return self.service.ok(*command, *words, **place, **options)

    def json_as(self, name, *command, **options):
        return json.loads(self.ok_as(name, *command, "--output", "json", **options))

    def typed(self, line):
        """A line of a runbook: bob's, with his own key, certificate and way to the service."""
        if not line.lstrip().startswith("coffer approval approve "):
            return line
        path = self.certificates.path
        variables = {"COFFER_SERVER": f"localhost:{self.port()}", "COFFER_TLS_CA": path("ca", "pem"),
                     "COFFER_TLS_CERT": path("bob", "pem"), "COFFER_TLS_KEY": path("bob", "key")}
        words = " ".join(f"{name}={value}" for name, value in variables.items())
        return f"{words} {line.strip().replace('~/.config/coffer/bob.key', self.key('bob'))}"

    def policy(self, serial, rules=None, names=None):
        """The text of a policy that names these persons, else all, with these rules, else grants()."""
        text = f"serial = {serial}\nadmin_signatures = 2\n"
        for name in names or self.principals:
            self.key(name)
            text += f'[person.{name}]\nkey = "{self.keys[name]}"\nprincipals = ["{self.principals[name]}"]\n'
        return text + (self.grants() if rules is None else rules)

    def grants(self):
        """To each role whatever it may ever; with an administrator's approval where the act needs one."""
        operations = [one for one in self.service.json("policy", "operations") if not one["decided_by_role"]]
        roles = sorted({role for one in operations for role in one["roles"]})
        return "".join(_grant(role, operations, approved) for role in roles for approved in (False, True))

    def sign(self, path, *names):
        """As each of them."""
        for name in names:
            self.service.ok("policy", "sign", path, "--key", self.key(name))

    def apply(self, text):
        """A policy that alice and bob have signed."""
        path = self.service.write("policy.toml", text)
        self.sign(path, "alice", "bob")
        return self.service.ok("policy", "apply", path)

    def serial(self):
        """Of the policy that holds; 0: the built-in one."""
        return self.service.json("policy", "show")["serial"]

    def ask(self, *command, **options):
        """The approval's id. Before the first one, applies the policy."""
        if self.serial() == 0:
            self.apply(self.policy(1))
        asked = self.service.json(*command, "--ask", "a test", **options)
        if set(asked) != {"done", "approval"} or asked["done"]:
            raise AssertionError(f"coffer {command[:2]}: was not asked for: {sorted(asked)}")
        return asked["approval"]

    def approve(self, approval, name="bob"):
        return self.ok_as(name, "approval", "approve", approval, "--key", self.key(name))

    def approval(self, *command, **options):
        """Asks as alice and approves as bob: the words that do it, once, behind the same command."""
        approval = self.ask(*command, **options)
        self.approve(approval)
        return "--approval", approval

    def deny_waiting(self):
        """What was asked for and not done: only so many may wait."""
        for waiting in self.service.json("approval", "list")["approvals"]:
            self.service.ok("approval", "deny", waiting["id"])

    def approved(self, *command, **options):
        """Asks, approves as bob, and does it; what that printed."""
        return self.service.ok(*command, *self.approval(*command, **options), **options)

    def approved_json(self, *command, **options):
        return self.service.json(*command, *self.approval(*command, **options), **options)


def _grant(role, operations, approved):
    """The grant of the role's operations that need approvals, or of its others."""
    mine = [one for one in operations if role in one["roles"] and one["needs_approvals"] == approved]
    if not mine:
        return ""
    facets = sorted({facet for one in mine for facet in one["narrowed_by"]})
    return (f'[grant.{role}-{"approved" if approved else "all"}]\nroles = ["{role}"]\n'
            f'operations = {json.dumps([one["operation"] for one in mine])}\n'
            + "".join(f'{facet} = "all"\n' for facet in facets) + (APPROVALS if approved else ""))
