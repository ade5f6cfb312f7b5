"""What `make dist` makes of the answers of pip-licenses and pip-audit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.release.inventory import Audit, audit_of, name_licenses, not_permissive

PINS = ["a==1", "b==2"]


def entry(license_: str) -> dict[str, str]:
    return {"Name": "x", "Version": "1", "License": license_}


@pytest.mark.parametrize(
    "license_",
    [
        *("MIT", "MIT License", "BSD-2-Clause", "BSD License", "Apache-2.0 AND MIT", "Apache Software License", "ISC"),
        *("Python Software Foundation License", "PSF-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "MIT OR GPL-2.0"),
        "Copyright (c)\n\nRedistribution and use in source and binary forms, with or without\nmodification",
    ],
)
def test_a_license_that_permits_use_in_a_product_is_accepted(license_: str) -> None:
    assert not_permissive([entry(license_)]) == []


@pytest.mark.parametrize(
    "license_",
    ["GPL-3.0", "MIT AND GPL-3.0", "LGPL-2.1", "GNU Affero General Public License", "UNKNOWN", "", "BUSL-1.1"],
)
def test_any_other_license_is_named(license_: str) -> None:
    assert not_permissive([entry(license_)]) == [f"x 1: {license_}"]


def test_every_component_of_the_bill_of_materials_has_a_license() -> None:
    said = [{"license": {"id": "MIT"}}]
    components: list[dict[str, Any]] = [{"name": "x"}, {"name": "y", "licenses": said}]
    name_licenses(components, [entry("3-Clause BSD License")])
    assert components == [
        {"name": "x", "licenses": [{"license": {"name": "3-Clause BSD License"}}]},
        {"name": "y", "licenses": said},
    ]


def test_a_vulnerability_is_reported_with_its_remedy() -> None:
    vulnerable = [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}, {"id": "CVE-2", "fix_versions": []}]
    libraries = [{"name": "a", "version": "1", "vulns": vulnerable}, {"name": "b", "version": "2", "vulns": []}]
    assert audit_of(json.dumps({"dependencies": libraries}), PINS) == Audit(
        ["a 1: CVE-1, fixed in 1.1, 2.0", "a 1: CVE-2, fixed in no version yet"], []
    )


def test_a_library_that_was_skipped_does_not_count_as_audited() -> None:
    libraries = [{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "2", "vulns": []}]
    assert audit_of(json.dumps({"dependencies": libraries}), PINS) == Audit([], ["a"])


@pytest.mark.parametrize("report", ["", "ERROR: connection refused", "{}"])
def test_where_the_service_does_not_answer_nothing_counts_as_audited(report: str) -> None:
    assert audit_of(report, PINS) == Audit([], PINS)
