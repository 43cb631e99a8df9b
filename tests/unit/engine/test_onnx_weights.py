"""The numbers read are those onnxruntime computes with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faster_whisper.utils import get_assets_path
from sori_server.engine.onnx_weights import read_weights
from sori_server.engine.silero import Silero

pytestmark = pytest.mark.unit


def test_weights_are_read_by_name_with_their_shapes() -> None:
    weights = read_weights(Path(get_assets_path()) / "silero_vad_v6.onnx")
    assert weights["encoder.conv_layers.0.weight"].shape == (128, 129, 3)
    assert weights["onnx::LSTM_209"].shape == (1, 512, 128)
    assert all(array.dtype == np.float32 and array.size for array in weights.values())


def test_a_file_without_weights_has_none(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    assert read_weights(tmp_path / "empty.onnx") == {}
    with pytest.raises(KeyError):
        Silero({})
