"""Encodings are put together whatever their number type is."""

from __future__ import annotations

import ctranslate2
import numpy as np
import pytest
from sori_server.engine.whisper_calls import Encoding, gathered

pytestmark = pytest.mark.unit

TYPES = [ctranslate2.DataType.float32, ctranslate2.DataType.float16, ctranslate2.DataType.bfloat16]


def encoding(rows: int, first: float, dtype: ctranslate2.DataType) -> Encoding:
    """Row k holds `first` + k everywhere, which each type can hold."""
    batch = np.full((rows, 4, 2), first, np.float32)
    batch += np.arange(rows, dtype=np.float32)[:, None, None]
    return ctranslate2.StorageView.from_array(batch).to(dtype)


def rows_of(storage: Encoding) -> list[float]:
    values = np.asarray(storage.to(ctranslate2.DataType.float32))
    return [float(row[0, 0]) for row in values]


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_of_several_encodings_are_gathered(dtype: ctranslate2.DataType) -> None:
    a, b = encoding(2, 1, dtype), encoding(2, 5, dtype)
    found = gathered([(b, 1), (a, 0), (b, 0)])

    assert rows_of(found) == [6, 1, 5]
    assert (found.dtype, found.shape) == (dtype, [3, 4, 2])


@pytest.mark.parametrize("dtype", TYPES)
def test_some_rows_of_one_encoding_are_gathered(dtype: ctranslate2.DataType) -> None:
    whole = encoding(3, 1, dtype)
    found = gathered([(whole, 2), (whole, 0)])

    assert rows_of(found) == [3, 1]
    assert found.dtype == dtype


def test_all_rows_of_one_encoding_are_not_copied() -> None:
    whole = encoding(3, 1, ctranslate2.DataType.bfloat16)
    assert gathered([(whole, 0), (whole, 1), (whole, 2)]) is whole
