"""The ten micro-benchmarks, each with what was expected of an H200 before anybody measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypedDict, Unpack

import ctranslate2
import numpy as np

from gpubench.loaded import Encodings, Features, Loaded, milliseconds
from gpubench.scale import Scale

STOCK_SUPPRESSED: Final = 88
PREFIX: Final = 20
ALIGNED_TOKENS: Final = 30


@dataclass(frozen=True, slots=True)
class Point:
    """One measured setting; `figures` are named with their units."""

    setting: str
    figures: dict[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Micro:
    """One micro-benchmark: `measure` yields points as they are had."""

    name: str
    expected: str
    measure: Callable[[Loaded, Scale], Iterator[Point]]


class _Options(TypedDict, total=False):
    suppressed: list[int]
    beam_size: int


def encode_by_batch(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    for batch in scale.encode_batches:
        yield _encoded(loaded, batch, scale.full_window, scale.repeats)


def encode_by_length(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    for frames in scale.frames:
        yield _encoded(loaded, scale.sweep_batch, frames, scale.repeats)


def decoder_step(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    for batch in scale.decode_batches:
        encodings = loaded.encodings(batch, scale.full_window)
        yield Point(f"batch {batch}, greedy", {"ms a step": _step(loaded, encodings, scale)})


def suppressed_tokens(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    lists = {
        "none": [],
        "Sori's six": loaded.specials,
        "stock 88": [*range(100, 100 + STOCK_SUPPRESSED - 6), *loaded.specials],
    }
    for batch in scale.wide_batches[-2:]:
        encodings = loaded.encodings(batch, scale.full_window)
        for beam_size in (1, 5):
            for name, tokens in lists.items():
                step = _step(loaded, encodings, scale, suppressed=tokens, beam_size=beam_size)
                yield Point(f"batch {batch}, beam {beam_size}, {name}", {"ms a step": step})


def timestamps(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    for batch in scale.wide_batches[:2]:
        encodings = loaded.encodings(batch, scale.full_window)
        for mode, prompt in (("off", None), ("on", loaded.task)):
            decode = partial(loaded.generate, encodings, scale.tokens, prompt=prompt)
            took = milliseconds(decode, scale.repeats)
            yield Point(f"batch {batch}, timestamps {mode}", {"ms a call": took})


def compute_types(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    kind = loaded.device.kind
    supported = ctranslate2.get_supported_compute_types(kind)
    names = ("float16", "int8_float16", "bfloat16") if kind == "cuda" else ("int8", "float32")
    for name in names:
        if name not in supported:
            yield Point(name, note="this device cannot")
            continue
        other = Loaded(loaded.geometry, loaded.folder, replace(loaded.device, compute_type=name))
        encoded = _encoded(other, scale.encode_batches[1], scale.full_window, scale.repeats)
        encodings = other.encodings(scale.wide_batches[0], scale.full_window)
        step = _step(other, encodings, scale)
        yield Point(
            f"{name}, encode {encoded.setting}, decode batch {scale.wide_batches[0]}",
            encoded.figures | {"ms a step": step},
        )


def parallel_workers(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    rounds = 2 + 2 * scale.repeats
    for workers in (1, 2):
        both = Loaded(loaded.geometry, loaded.folder, loaded.device, workers)
        features = both.features(scale.encode_batches[1], scale.full_window)
        encodings = both.encodings(scale.wide_batches[0], scale.full_window)

        encode = partial(both.encode, features)
        decode = partial(both.generate, encodings, scale.tokens)
        took = milliseconds(partial(_side_by_side, [encode, decode] * rounds), 1)
        yield Point(f"{workers} workers, {rounds} encodes and decodes", {"ms in all": took})


def joined_encodings(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    batch, repeats = 4 * scale.encode_batches[1], scale.repeats
    features = loaded.features(batch, scale.full_window)
    quarters = np.split(features, 4)
    once = milliseconds(lambda: loaded.encode(features), repeats)
    yield Point(f"one call of {batch}", {"ms a window": once / batch})

    def through_host() -> None:
        parts = [np.asarray(loaded.encode(part, to_cpu=True)) for part in quarters]
        whole = ctranslate2.StorageView.from_array(np.concatenate(parts))
        loaded.device.move(whole)

    took = milliseconds(through_host, repeats)
    yield Point("four calls, joined by the host", {"ms a window": took / batch})
    if loaded.device.kind == "cuda":
        yield _joined_on_device(loaded, quarters, repeats)


def alignment(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    batch, frames = scale.sweep_batch, scale.full_window
    encodings = loaded.encodings(batch, frames)
    texts = [list(range(1000, 1000 + ALIGNED_TOKENS))] * batch
    took = milliseconds(
        lambda: loaded.model.align(encodings, loaded.task, texts, [frames] * batch),
        scale.repeats,
    )
    setting = f"batch {batch}, {ALIGNED_TOKENS} tokens"
    yield Point(setting, {"ms a call": took, "ms a window": took / batch})


def prefix_or_context(loaded: Loaded, scale: Scale) -> Iterator[Point]:
    encodings = loaded.encodings(scale.sweep_batch, scale.full_window)
    begin, tokens = [*loaded.task, loaded.token("notimestamps")], scale.tokens
    earlier = list(range(1000, 1000 + PREFIX))
    settings = {
        "nothing before": (begin, tokens),
        f"{PREFIX} tokens forced": ([*begin, *earlier], PREFIX + tokens),
        f"{PREFIX} tokens as earlier text": (
            [loaded.token("startofprev"), *earlier, *begin],
            tokens,
        ),
    }
    for name, (prompt, count) in settings.items():
        decode = partial(loaded.generate, encodings, count, prompt=prompt)
        took = milliseconds(decode, scale.repeats)
        yield Point(f"batch {scale.sweep_batch}, {tokens} new, {name}", {"ms a call": took})


def _side_by_side(calls: list[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(2) as lanes:
        for call in [lanes.submit(call) for call in calls]:
            call.result()


def _encoded(loaded: Loaded, batch: int, frames: int, repeats: int) -> Point:
    features = loaded.features(batch, frames)
    took = milliseconds(lambda: loaded.encode(features), repeats)
    flops = batch * loaded.geometry.encoder_flops(frames / 100)
    figures = {"ms a call": took, "ms a window": took / batch, "TFLOP/s": flops / took / 1e9}
    return Point(f"batch {batch}, {frames} frames", figures)


def _step(loaded: Loaded, encodings: Encodings, scale: Scale, **options: Unpack[_Options]) -> float:
    """Milliseconds of one decoder step: what a long text takes beyond a short one."""
    few, many = scale.tokens // 2, 2 * scale.tokens
    short = milliseconds(lambda: loaded.generate(encodings, few, **options), scale.repeats)
    long = milliseconds(lambda: loaded.generate(encodings, many, **options), scale.repeats)
    return (long - short) / (many - few)


def _joined_on_device(loaded: Loaded, quarters: list[Features], repeats: int) -> Point:
    setting = "four calls, joined on the device"
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    except ImportError:
        return Point(setting, note="needs torch, which is not installed")

    def on_device() -> None:
        parts = [torch.as_tensor(loaded.encode(part), device="cuda") for part in quarters]
        whole = torch.cat(parts)
        torch.cuda.synchronize()
        ctranslate2.StorageView.from_array(whole)

    took = milliseconds(on_device, repeats)
    return Point(setting, {"ms a window": took / sum(map(len, quarters))})


MICRO: Final = (
    Micro("Encode by batch", "10-13 ms a window, flat from batch 4", encode_by_batch),
    Micro("Encode by length", "2.3 / 4.9 / 12.4 ms at 800 / 1500 / 3000", encode_by_length),
    Micro("Decoder step", "1-2 ms up to batch 64", decoder_step),
    Micro(
        "Suppressed tokens", "88: 0.4 / 1.6 / 10 ms more at 64 / 128 / 320 rows", suppressed_tokens
    ),
    Micro("Timestamps", "130 / 505 ms more at batch 32 / 64", timestamps),
    Micro("Number types", "int8_float16 gains a few per cent", compute_types),
    Micro("Workers", "two overlap: less than the sum", parallel_workers),
    Micro("Joined encodings", "below 10 % over one call", joined_encodings),
    Micro("Alignment", "about half an interim's decoding", alignment),
    Micro(
        "Prefix or context", "forced: a step a token; as context: nearly free", prefix_or_context
    ),
)
