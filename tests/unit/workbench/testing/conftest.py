from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.workbench.testing.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of a user."""
    return Project(tmp_path)
