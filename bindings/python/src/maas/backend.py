"""ONNX's backend interface: `maas.backend` runs models and single nodes as `onnx.backend.base.Backend` says.

Needs the package onnx. The functions of this module are those of `MaasBackend`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TypeProto, helper
from onnx.backend.base import Backend, BackendRep, Device, DeviceType

from .errors import InvalidArgument, Unsupported
from .session import Session


class MaasBackendRep(BackendRep):
    """A model ready to run."""

    def __init__(self, session: Session):
        #: What it is in maas.
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """All outputs. Inputs are in the model's order, or by name, or one array when the model has one input.

        Keyword arguments are those of `Session.run`.
        """
        return tuple(self.session.run(None, self._feed(inputs), **kwargs))

    def _feed(self, inputs: Any) -> Mapping[str, Any]:
        if isinstance(inputs, Mapping):
            return inputs
        values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        names = [value.name for value in self.session.inputs]
        if len(values) != len(names):
            raise InvalidArgument(f"the model has {len(names)} inputs, {len(values)} were given")
        return dict(zip(names, values))


class MaasBackend(Backend):
    """Runs ONNX models with maas."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether this is the CPU."""
        try:
            return Device(device).type == DeviceType.CPU
        except AttributeError:  # no device that ONNX knows
            return False

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether maas runs on this device. A model that it cannot run is refused by `prepare`, which says why."""
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: ModelProto | bytes | str, device: str = "CPU", **kwargs: Any) -> MaasBackendRep:
        """Makes a model, its bytes or its file ready to run. Keyword arguments are options of `Session`."""
        if not cls.supports_device(device):
            raise Unsupported(f"maas runs on CPUs: expected device 'CPU', found {device!r}")
        source = model.SerializeToString() if isinstance(model, ModelProto) else model
        return MaasBackendRep(Session(source, **kwargs))

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """`prepare` and `run` in one."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        *,
        opset_version: int | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Runs one node on the inputs that it names, in order. `opset_version`: of its domain; default: the newest.

        The types of outputs, where `outputs_info` does not say them, are what ONNX infers from the inputs.
        """
        names = list(dict.fromkeys(name for name in node.input if name))
        values = [inputs[name] for name in names] if isinstance(inputs, Mapping) else list(inputs)
        if len(values) != len(names):
            raise InvalidArgument(f"the node has {len(names)} inputs, {len(values)} were given")
        typed = [helper.make_value_info(name, _type_of(value)) for name, value in zip(names, values)]
        model = _model_of(node, typed, outputs_info, opset_version)
        return cls.run_model(model, dict(zip(names, values)), device, **kwargs)


def _type_of(value: Any) -> TypeProto:
    """ONNX's type of an input, without the sizes of its dimensions where it is a sequence."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], np.ndarray):
        element = helper.np_dtype_to_tensor_dtype(value[0].dtype)
        return helper.make_sequence_type_proto(helper.make_tensor_type_proto(element, None))
    array = np.asarray(value)
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _model_of(
    node: NodeProto,
    inputs: list[onnx.ValueInfoProto],
    outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None,
    opset_version: int | None,
) -> ModelProto:
    names = [name for name in node.output if name]
    if outputs_info is None:
        outputs = [onnx.ValueInfoProto(name=name) for name in names]
    else:
        outputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in zip(names, outputs_info)
        ]
    version = opset_version or onnx.defs.get_schema(node.op_type, domain=node.domain).since_version
    graph = helper.make_graph([node], "node", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, version)])


is_compatible = MaasBackend.is_compatible
prepare = MaasBackend.prepare
run_model = MaasBackend.run_model
run_node = MaasBackend.run_node
supports_device = MaasBackend.supports_device
