"""Reads the numbers out of an ONNX file.

onnxruntime runs such a file but does not show its weights, and the `onnx` package is large.
The few fields needed are declared here, with the numbers they have in `onnx.proto`; protobuf
passes over all others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from numpy.typing import NDArray

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "sori.onnx"
_FLOAT: Final = 1
_MESSAGES: Final[dict[str, list[tuple[str, int, Any]]]] = {
    "Tensor": [
        ("dims", 1, _Field.TYPE_INT64),
        ("data_type", 2, _Field.TYPE_INT32),
        ("name", 8, _Field.TYPE_STRING),
        ("raw_data", 9, _Field.TYPE_BYTES),
    ],
    "Graph": [("initializer", 5, "Tensor")],
    "Model": [("graph", 7, "Graph")],
}
_REPEATED: Final = {"dims", "initializer"}


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 initializers of the model in `path`, by name."""
    model = _model_class()()
    model.ParseFromString(path.read_bytes())
    return {
        tensor.name: np.frombuffer(tensor.raw_data, "<f4").reshape(tuple(tensor.dims))
        for tensor in model.graph.initializer
        if tensor.data_type == _FLOAT
    }


def _model_class() -> Any:  # noqa: ANN401 - made here, so no checker knows it
    file = descriptor_pb2.FileDescriptorProto(name="sori_onnx.proto", package=_PACKAGE)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            label = _Field.LABEL_REPEATED if field in _REPEATED else _Field.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
