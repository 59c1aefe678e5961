"""The runtimes that are compared: each opens a work and gives a function that runs it once.

Each uses its fastest plain way: inputs and outputs bound once where it has that, `threads` threads, 32-bit arithmetic,
or products of bytes for works that have such: ONNX Runtime and maas from one file, the others by their own quantizers.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import networks
from works import Work

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Opened(NamedTuple):
    """A work ready to run. `details` is what only this runtime tells about itself."""

    run: Callable[[], Any]
    outputs: Callable[[], list[np.ndarray]]
    details: Callable[[], dict[str, int]] = dict
    #: What must live as long.
    keeps: Any = None


class Unsupported(Exception):
    """The runtime cannot run this work."""


class Maas:
    name = "maas"

    def __init__(self) -> None:
        os.environ.setdefault("MAAS_LIBRARY", os.path.join(ROOT, ".build", "release", "libmaas.so"))
        sys.path.insert(0, os.path.join(ROOT, "bindings", "python", "src"))
        import maas

        self.maas = maas
        self.version = f"maas {maas.__version__}"

    def open(self, path: str, work: Work, threads: int) -> Opened:
        self.maas.set_threads(threads)
        session = self.maas.Session(path, threads=threads)
        if work.plain:
            feeds = work.feeds()
            return Opened(lambda: session.run(None, next(feeds)), lambda: session.run(None, next(feeds)))
        binding, feed = session.bind(), work.feed()
        for name, value in feed.items():
            binding.set_input(name, value)
        names = [output.name for output in session.outputs]
        which = self.maas.Statistic

        def details() -> dict[str, int]:
            bound = [*feed.values(), *(binding.output(name).numpy() for name in names)]
            return {w.name.lower(): session.statistic(w) for w in which} | {"bound_bytes": sum(a.nbytes for a in bound)}

        return Opened(binding.run, lambda: [binding.output(name).numpy().copy() for name in names], details)


class MaasFloats(Maas):
    """Maas with the floats that a work of bytes was made of."""

    name = "maas-floats"

    def open(self, path: str, work: Work, threads: int) -> Opened:
        floats = work._replace(model=networks.of_floats(work.model))
        return super().open(networks.file(floats.model, os.path.dirname(path)), floats, threads)


class OnnxRuntime:
    name = "onnxruntime"

    def __init__(self) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        self.onnxruntime = onnxruntime
        self.version = f"onnxruntime {onnxruntime.__version__}"

    def open(self, path: str, work: Work, threads: int) -> Opened:
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = self.onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        if work.plain:
            feeds = work.feeds()
            return Opened(lambda: session.run(None, next(feeds)), lambda: session.run(None, next(feeds)))
        binding, feed, value = session.io_binding(), work.feed(), self.onnxruntime.OrtValue.ortvalue_from_numpy
        for name, array in feed.items():
            binding.bind_ortvalue_input(name, value(array))
        # The first run tells the shapes of the outputs.
        names = [output.name for output in session.get_outputs()]
        outputs = {name: value(array) for name, array in zip(names, session.run(None, feed))}
        for name, output in outputs.items():
            binding.bind_ortvalue_output(name, output)
        return Opened(
            lambda: session.run_with_iobinding(binding), lambda: [output.numpy() for output in outputs.values()]
        )


class OpenVino:
    """Compiled for the shapes of the work, which makes it faster than dimensions left open."""

    name = "openvino"

    def __init__(self) -> None:
        import openvino

        self.openvino = openvino
        self.version = f"openvino {openvino.__version__.split('-')[0]}"

    def open(self, path: str, work: Work, threads: int) -> Opened:
        if work.network() is None:
            raise Unsupported("OpenVINO reads no ai.onnx.ml")
        if work.of_bytes:
            path = networks.openvino_file(work.model, os.path.dirname(path))
        core, feed = self.openvino.Core(), work.feed()
        model = core.read_model(path)
        model.reshape({name: array.shape for name, array in feed.items()})
        settings = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False,
        }  # fmt: skip
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        if work.plain:
            feeds = work.feeds()
            return Opened(lambda: request.infer(next(feeds)), lambda: list(request.infer(next(feeds)).values()))
        tensors = {name: self.openvino.Tensor(array, shared_memory=True) for name, array in feed.items()}
        for name, tensor in tensors.items():
            request.set_tensor(name, tensor)
        # The request does not keep the arrays that its tensors show.
        return Opened(request.infer, lambda: [tensor.data.copy() for tensor in request.output_tensors], keeps=feed)


class Torch:
    """Traced and frozen, with torch's own function for each layer and images in channels_last order."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        from networks.torch_network import DynamicTorchNetwork, TorchNetwork

        # torch.jit announces that it is no longer developed; it is still the fastest without a compiler at hand.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", category=UserWarning)
        self.torch, self.network, self.dynamic = torch, TorchNetwork, DynamicTorchNetwork
        self.version = f"torch {torch.__version__}"

    def open(self, path: str, work: Work, threads: int) -> Opened:
        is_dynamic, floats = work.model.endswith("-int8-dynamic"), networks.of_floats(work.model)
        if floats not in networks.NETWORKS or (work.of_bytes and not is_dynamic):
            raise Unsupported("torch reads no ONNX files")
        self.torch.set_num_threads(threads)
        network, feeds = (self.dynamic if is_dynamic else self.network)(work.sizes), work.feeds()
        networks.NETWORKS[floats](network)
        frozen = self._frozen(network, self._tensors(next(feeds)))
        run = self.torch.inference_mode()(lambda: frozen(*self._tensors(next(feeds))))
        if not work.plain:
            tensors = self._tensors(next(feeds))
            run = self.torch.inference_mode()(lambda: frozen(*tensors))
        return Opened(run, lambda: [tensor.numpy() for tensor in run()])

    def _tensors(self, feed: dict[str, np.ndarray]) -> list[Any]:
        order = {"image": self.torch.channels_last}
        return [self.torch.from_numpy(array).contiguous(memory_format=order.get(name, self.torch.contiguous_format))
                for name, array in feed.items()]  # fmt: skip

    def _frozen(self, network: Any, tensors: list[Any]) -> Any:
        class Module(self.torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.parts = network.parts

            def forward(self, *inputs: Any) -> Any:
                return network(*inputs)

        with self.torch.no_grad():
            traced = self.torch.jit.trace(Module().eval(), tuple(tensors), check_trace=False)
            return self.torch.jit.freeze(traced)


PEERS: dict[str, type] = {peer.name: peer for peer in (Maas, MaasFloats, OnnxRuntime, OpenVino, Torch)}
