"""cuBLAS for CTranslate2, which looks for it by name and not in Python's packages."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path
from typing import Final

PACKAGE: Final = "nvidia.cublas"
"""What the wheel of the extra `cuda` installs."""
LIBRARY: Final = "libcublas.so.12"


def load_cublas() -> Path | None:
    """Load cuBLAS from its wheel, so that the loader knows it by name; None where it is not.

    The system's own is found without help.

    Raises:
        OSError: it is there and cannot be loaded.
    """
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except ModuleNotFoundError:
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        library = Path(folder) / "lib" / LIBRARY
        if library.is_file():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            return library
    return None
