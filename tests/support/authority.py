"""A certificate authority of the tests, and certificates that it signs, made with openssl: PEM files in a folder."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Authority:
    """`ca` is the file that clients are given. Skips the test where there is no openssl."""

    def __init__(self, folder: Path, name: str = "authority-of-the-tests") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl: install it, so that the tests can make certificates")
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        signing = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.ca, "-days", "30", *signing, *_of(name))

    def sign(self, name: str, days: int = 90, alternative: str = "IP:127.0.0.1,DNS:localhost") -> tuple[Path, Path]:
        """Return the files of a certificate and of its key, in PKCS #8."""
        key, request = self._folder / f"{name}.key", self._folder / f"{name}.csr"
        certificate, more = self._folder / f"{name}.pem", self._folder / f"{name}.ext"
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, *_of(name))
        more.write_text(f"subjectAltName={alternative}\n")
        by = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *by, "-out", certificate, "-days", str(days), "-extfile", more)
        return certificate, key


_NEW_KEY = ("-newkey", "rsa:2048", "-nodes", "-sha256")


def _of(name: str) -> tuple[str, str]:
    return "-subj", f"/CN={name}"


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
