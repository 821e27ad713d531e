"""Who is speaking? A verifier of the newer kind: the network of the PyPI package Resemblyzer
(GE2E, Wan et al. 2018), trained on thousands of people, run here without its dependencies.

``TIPLINE_RESEMBLYZER`` names its wheel (``pip download --no-deps resemblyzer==0.1.4``); without
it this measurement is left out.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from functools import cache
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.bench.disguise.verifier import speaking

Floats = NDArray[np.float64]

RATE, SIZE, HOP, MELS = 16000, 400, 160, 40
SPAN, STRIDE, UNITS, LAYERS = 160, 120, 256, 3


class _Reader(pickle.Unpickler):
    """Reads the layout of a PyTorch file of before 1.6 and nothing else: no other name resolves."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda key, at, shape, *_: (key, at, shape),
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
            ("torch", "FloatStorage"): "f4",
            ("torch", "LongStorage"): "i8",
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError("not a file of plain weights")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Any:
        return pid[2], pid[1]


@cache
def weights() -> dict[str, NDArray[Any]] | None:
    path = os.environ.get("TIPLINE_RESEMBLYZER")
    if not path:
        return None
    with zipfile.ZipFile(path) as wheel:
        file = io.BytesIO(wheel.read("resemblyzer/pretrained.pt"))
    _magic, _version, _system, state, keys = (_Reader(file).load() for _ in range(5))
    stored = {}
    kinds = {tensor[0][0]: tensor[0][1] for tensor in state["model_state"].values()}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        kind = np.dtype(kinds.get(key, "f4"))
        stored[key] = np.frombuffer(file.read(count * kind.itemsize), kind)
    return {
        name: stored[key][at : at + int(np.prod(shape))].reshape(shape)
        for name, ((key, _kind), at, shape) in state["model_state"].items()
    }


def _mel_filters() -> Floats:
    """Slaney's filters of equal area, as librosa has them."""
    mel_top = 15 + 27 * np.log(8000 / 1000) / np.log(6.4)
    mels = np.linspace(0, mel_top, MELS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    bins = np.arange(SIZE // 2 + 1)[:, None] * RATE / SIZE
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.clip(np.minimum(rising, falling), 0, None) * 2 / (edges[2:] - edges[:-2])


_FILTERS = _mel_filters()


def embedding(samples: NDArray[np.int16]) -> Floats:
    """256 numbers of length one."""
    loud = np.repeat(speaking(samples), 80)
    voice = samples[: len(loud)][loud[: len(samples)]].astype(float) / 32768
    wide = soxr.resample(voice, 8000, RATE)
    wide *= 10 ** (-30 / 20) / np.sqrt((wide**2).mean() + 1e-12)
    padded = np.pad(wide, SIZE // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP] * window
    mels = (np.abs(np.fft.rfft(frames)) ** 2 @ _FILTERS).astype(np.float32)
    mels = np.pad(mels, ((0, max(0, SPAN - len(mels))), (0, 0)))
    spans = np.stack([mels[at : at + SPAN] for at in range(0, len(mels) - SPAN + 1, STRIDE)])
    mean = _network(spans).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), float)


def _network(x: NDArray[Any]) -> NDArray[Any]:
    w = weights()
    assert w is not None
    for layer in range(LAYERS):
        x = _lstm(x, *(w[f"lstm.{part}_l{layer}"] for part in (
            "weight_ih", "weight_hh", "bias_ih", "bias_hh")))  # fmt: skip
    out = np.maximum(x[:, -1] @ w["linear.weight"].T + w["linear.bias"], 0)
    return np.asarray(out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9))


def _lstm(x: NDArray[Any], wi: Any, wh: Any, bi: Any, bh: Any) -> NDArray[Any]:
    given = x @ wi.T + (bi + bh)
    state = cell = np.zeros((len(x), UNITS), np.float32)
    out = np.empty((len(x), x.shape[1], UNITS), np.float32)
    for step in range(x.shape[1]):
        gates = given[:, step] + state @ wh.T
        take, keep, new, show = np.split(gates, 4, axis=1)
        cell = _sigmoid(keep) * cell + _sigmoid(take) * np.tanh(new)
        state = _sigmoid(show) * np.tanh(cell)
        out[:, step] = state
    return out


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


class Verifier:
    """Learns from ``strangers`` (the embeddings of each) which differences do not tell people
    apart, sets those aside, and scores by the cosine."""

    def __init__(self, strangers: list[Floats]) -> None:
        everything = np.vstack(strangers)
        self._mean = everything.mean(axis=0)
        within = np.vstack([each - each.mean(axis=0) for each in strangers])
        spread = within.T @ within / len(within)
        spread += np.eye(len(spread)) * np.trace(spread) / len(spread)
        values, vectors = np.linalg.eigh(spread)
        self._whiten = vectors / np.sqrt(values)

    def enrol(self, x: Floats) -> Floats:
        return _unit((_unit(x - self._mean) @ self._whiten).mean(axis=0))

    def scores(self, models: list[Floats], x: Floats) -> Floats:
        return np.asarray(np.stack(models) @ self.enrol(x))


def _unit(x: Floats) -> Floats:
    return np.asarray(x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-12))


def features(samples: NDArray[np.int16]) -> Floats:
    return embedding(samples)[None, :]
