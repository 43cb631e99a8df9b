"""cuBLAS is loaded from its wheel where there is one."""

from __future__ import annotations

import _ctypes
import importlib
import shutil
from pathlib import Path

import pytest
from sori_server.engine import cuda

pytestmark = pytest.mark.unit


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package such as that of the wheel, with any library in the place of cuBLAS."""
    folder = tmp_path / "standin_cublas" / "lib"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(cuda, "PACKAGE", "standin_cublas")
    importlib.invalidate_caches()
    return folder / cuda.LIBRARY


def test_it_is_loaded_from_its_wheel(library: Path) -> None:
    shutil.copy(_ctypes.__file__, library)

    assert cuda.load_cublas() == library
    assert str(library) in Path("/proc/self/maps").read_text()


def test_a_wheel_without_it_is_none(library: Path) -> None:
    assert not library.exists()
    assert cuda.load_cublas() is None


def test_a_library_that_is_none_is_an_error(library: Path) -> None:
    library.write_bytes(b"not a library")

    with pytest.raises(OSError, match=r"invalid ELF|file too short"):
        cuda.load_cublas()


@pytest.mark.parametrize("package", ["no_such_package", "no_such_package.inside"])
def test_no_wheel_is_none(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(cuda, "PACKAGE", package)

    assert cuda.load_cublas() is None
