"""Make `dist/`: the wheel and the sdist, each tried in an empty environment, and what lies beside them.

`make dist` runs it. Exit code 1 if something keeps this from being released.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import connector
from tests.release.environment import ROOT, Environment, ReleaseError, run
from tests.release.inventory import audit, licenses_of, write_bill_of_materials, write_licenses

DIST = ROOT / "dist"


def main() -> int:
    """Run all steps; return the exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="release-") as folder:
            return _release(Path(folder))
    except ReleaseError as error:
        _say(f"not releasable: {error}")
        return 1


def _release(folder: Path) -> int:
    version = connector.__version__
    _say(f"tuzhan-connector {version}")
    for artifact in _build(version):
        environment = Environment.with_packages(folder / artifact.name, artifact)
        _try_out(environment, version)
        _say(f"{artifact.name}: installed into an empty environment; the demo ran")
    wheel = DIST / f"tuzhan_connector-{version}-py3-none-any.whl"
    full = Environment.with_packages(folder / "full", f"{wheel}[registry,otel]")
    pins = full.frozen()
    lines = [f"# pip install --constraint constraints.txt 'tuzhan-connector[registry,otel]=={version}'", *pins]
    (DIST / "constraints.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _say(f"constraints.txt: {len(pins)} libraries")
    full.remove_installers()
    licenses = licenses_of(full)
    write_bill_of_materials(full, version, licenses, DIST / "sbom.cdx.json")
    write_licenses(licenses, DIST / "licenses.md")
    _say("sbom.cdx.json, licenses.md: every license permits use in a product")
    code = _audit(pins, folder)
    _write_checksums()
    return code


def _build(version: str) -> list[Path]:
    shutil.rmtree(DIST, ignore_errors=True)
    run([sys.executable, "-m", "build", "--outdir", DIST, ROOT])
    built = sorted(path.name for path in DIST.iterdir())
    expected = [f"tuzhan_connector-{version}-py3-none-any.whl", f"tuzhan_connector-{version}.tar.gz"]
    if built != expected:
        raise ReleaseError(f"built {built}, expected {expected}")
    return [DIST / name for name in built]


def _try_out(environment: Environment, version: str) -> None:
    program = environment.program("tuzhan-connector")
    told = run([program, "--version"], environment.folder)
    if told != f"tuzhan-connector {version}\n":
        raise ReleaseError(f"--version says {told!r}")
    run([program, "demo", "--records", "500"], environment.folder)


def _audit(pins: list[str], folder: Path) -> int:
    result = audit(pins, folder)
    for each in result.vulnerable:
        _say(f"vulnerable: {each}")
    if result.not_audited:
        _say(f"*** NOT AUDITED: {len(result.not_audited)} of {len(pins)} libraries: pip-audit gets no advisories here")
        _say("*** Run `make dist` once where it can, before you publish.")
    else:
        _say(f"pip-audit: {len(pins)} libraries, {len(result.vulnerable)} known vulnerabilities")
    return int(bool(result.vulnerable))


def _write_checksums() -> None:
    files = sorted(path for path in DIST.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    (DIST / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _say(f"dist: {', '.join(path.name for path in files)}, SHA256SUMS")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the progress of this command


if __name__ == "__main__":
    sys.exit(main())
