"""Certificates of an authority that a test makes for itself, with the script that docs name."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docker" / "certificates.sh"


@dataclass(frozen=True)
class Certificates:
    """`server` and `client` hold tls.crt, tls.key and ca.crt."""

    server: Path
    client: Path

    def tls_options(self, is_mutual: bool) -> list[str]:
        """tritonserver's options."""
        return [
            f"--grpc-use-ssl{'-mutual' if is_mutual else ''}=true",
            f"--grpc-server-cert={self.server}/tls.crt",
            f"--grpc-server-key={self.server}/tls.key",
            f"--grpc-root-cert={self.server}/ca.crt",
        ]

    def variables(self, is_mutual: bool) -> dict[str, str]:
        """The client's environment."""
        own = {"FER_TRITON_CERT": f"{self.client}/tls.crt", "FER_TRITON_KEY": f"{self.client}/tls.key"}
        return {"FER_TRITON_CA": f"{self.client}/ca.crt"} | (own if is_mutual else {})


def make_certificates(folder: Path, *names: str) -> Certificates:
    """Make an authority, and a certificate for a server of these names."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    subprocess.run([SCRIPT, folder, *names], check=True, capture_output=True)
    return Certificates(folder / "server", folder / "client")
