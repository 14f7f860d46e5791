"""Certificates for tests, made by openssl: an authority, and what it signs."""
import os
import subprocess


def openssl(*args):
    done = subprocess.run(["openssl", *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """An own root in a folder. issue() gives (certificate, key), two files."""

    def __init__(self, folder, name="root"):
        self.folder, self.serial = folder, 100
        self.cert, self.key = self.issue(name, by=None)

    def issue(self, name, by="self", cn=None, san=None, days="2",
              use="clientAuth,serverAuth", curve="prime256v1"):
        """by: "self" is this authority, None none: the certificate signs
        itself. days: how long from now it is valid; negative: it was."""
        cert = os.path.join(self.folder, name + ".pem")
        key = os.path.join(self.folder, name + ".key")
        request = os.path.join(self.folder, name + ".csr")
        more = os.path.join(self.folder, name + ".ext")
        self.serial += 1
        openssl("req", "-newkey", "ec", "-pkeyopt",
                f"ec_paramgen_curve:{curve}", "-nodes", "-keyout", key,
                "-out", request, "-subj", "/CN=" + (cn or name))
        with open(more, "w") as f:
            f.write("basicConstraints=CA:" + ("TRUE" if by is None and
                                              name == "root" else "FALSE"))
            f.write(f"\nextendedKeyUsage={use}\n" if name != "root" else "\n")
            f.write(f"subjectAltName={san}\n" if san else "")
        sign = ["-key", key] if by is None else ["-CA", self.cert, "-CAkey",
                                                 self.key]
        openssl("x509", "-req", "-in", request, *(
            ["-signkey", key] if by is None else sign), "-set_serial",
            str(self.serial), "-days", days, "-extfile", more, "-out", cert)
        return cert, key


def fingerprint(cert):
    """As openssl prints it: AA:BB:..."""
    return openssl("x509", "-in", cert, "-noout", "-fingerprint",
                   "-sha256").strip().partition("=")[2]
