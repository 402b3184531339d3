"""Certificates of the tests' own CAs, made by openssl."""

import subprocess
import time

DEADLINE_S = 60

# "openssl ca" is the one command of OpenSSL 3.0 that signs until a given second.
CA_CONFIG = """[ca]
default_ca = any
[any]
database = {folder}/issued
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any_name
copy_extensions = copy
[any_name]
commonName = supplied
"""


class Certificates:
    """CAs and what they sign, in one folder."""

    def __init__(self, folder, cas=("ca",)):
        self.folder = folder
        for name in cas:
            self.openssl("req", "-x509", "-days", "1", *self.new_key(name), "-subj", f"/CN={name}",
                         "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.path(name, "pem"))

    def path(self, name, kind):
        return str(self.folder / f"{name}.{kind}")

    def new_key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(name, "key"))

    def issue(self, name, alternative="", ca="ca", usage="clientAuth"):
        names = ("-addext", f"subjectAltName={alternative}") if alternative else ()
        self.openssl("req", "-x509", "-days", "1", *self.new_key(name), "-subj", f"/CN={name}", *names,
                     "-addext", f"extendedKeyUsage={usage}", "-addext", "basicConstraints=critical,CA:FALSE",
                     "-CA", self.path(ca, "pem"), "-CAkey", self.path(ca, "key"), "-out", self.path(name, "pem"))

    def issue_server(self, name="server"):
        self.issue(name, "DNS:localhost,IP:127.0.0.1", usage="serverAuth")

    def issue_until(self, name, alternative, end_s):
        """A client's certificate whose last valid second is `end_s` (Unix time)."""
        (self.folder / "issued").touch()
        (self.folder / "ca.conf").write_text(CA_CONFIG.format(folder=self.folder))
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end_s))
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}",
                     "-addext", "extendedKeyUsage=clientAuth", "-out", self.path(name, "csr"))
        self.openssl("ca", "-batch", "-notext", "-config", self.path("ca", "conf"), "-cert", self.path("ca", "pem"),
                     "-keyfile", self.path("ca", "key"), "-startdate", "20200101000000Z", "-enddate", end,
                     "-in", self.path(name, "csr"), "-out", self.path(name, "pem"))

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=DEADLINE_S)

    def tcp_config(self, domain, server="server"):
        """A service's listener on a free port."""
        return (f'[tcp]\nlisten = "127.0.0.1:0"\ncertificate = "{self.path(server, "pem")}"\n'
                f'key = "{self.path(server, "key")}"\nclient_ca = "{self.path("ca", "pem")}"\n'
                f'trust_domain = "{domain}"\n')

    def options(self, name):
        """With which coffer calls such a service under this certificate."""
        return ("--tls-ca", self.path("ca", "pem"), "--tls-cert", self.path(name, "pem"),
                "--tls-key", self.path(name, "key"))
