"""Reads the bundled recordings with `mini` on the CPU and on a CUDA GPU and compares.

    python bench/gpu/cuda_check.py [--compute-type float16]

For when a GPU is at hand: shows that the CUDA path loads, that its batches equal its solo
windows, how far its text is from the CPU's, and how long one batch takes on each. Exits 1
where company changes a text. CTranslate2 needs `libcublas.so.12` (`pip install
'sori-server[cuda]'`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import ctranslate2
import sori_server
from faster_whisper import decode_audio
from sori_server.domain.audio import Span, samples
from sori_server.domain.recognition import DecodingOptions, Hypothesis
from sori_server.engine.front_end import WhisperFrontEnd
from sori_server.engine.model import WindowTask
from sori_server.engine.models import resolve
from sori_server.engine.placement import place
from sori_server.engine.whisper import WhisperSpeechModel

RECORDINGS = Path(sori_server.__file__).parent / "demo" / "audio"
RUNS = 5


def windows(front_end: WhisperFrontEnd) -> list[WindowTask]:
    """One window for each utterance of the bundled recordings."""
    tasks = []
    for card in sorted(RECORDINGS.glob("*.json")):
        described = json.loads(card.read_text())
        audio = front_end.open_stream()
        audio.accept(decode_audio(str(RECORDINGS / described["file"])))
        for utterance in described["utterances"]:
            span = Span(samples(utterance["start"]) // 160 * 160, samples(utterance["end"]))
            options = DecodingOptions((utterance["language"],), beam_size=5)
            tasks.append(WindowTask(audio.window(span.start, span.end), span, (), options))
    return tasks


def texts(outcomes: list[Hypothesis | Exception]) -> list[str]:
    """The texts; an error reads as its type."""
    return [o.text if isinstance(o, Hypothesis) else type(o).__name__ for o in outcomes]


def read(device: str, compute_type: str) -> list[str]:
    """The texts on `device`, checked alone and together; prints what a batch takes."""
    model = resolve("mini", device)
    loaded = WhisperSpeechModel(model, place(device, compute_type))
    loaded.warm_up()
    tasks = windows(WhisperFrontEnd(model.path, model.capabilities))
    alone = [texts(list(loaded.recognize_batch([task])))[0] for task in tasks]
    began = time.perf_counter()
    for _ in range(RUNS):
        together = texts(list(loaded.recognize_batch(tasks)))
    took = (time.perf_counter() - began) / RUNS
    changed = sum(a != b for a, b in zip(alone, together, strict=True))
    print(f"{device} {compute_type}: {len(tasks)} windows in {1000 * took:.0f} ms,", end=" ")
    print(f"{changed} texts changed by company")
    if changed:
        sys.exit(1)
    return together


def main() -> None:
    """Compare both devices, or say that there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compute-type", default="float16")
    arguments = parser.parse_args()
    on_cpu = read("cpu", "int8")
    if not ctranslate2.get_cuda_device_count():
        print("no CUDA device: only the CPU was checked")
        return
    name = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    print(subprocess.run(name, capture_output=True, text=True, check=True).stdout.strip())
    on_gpu = read("cuda", arguments.compute_type)
    same = sum(a == b for a, b in zip(on_cpu, on_gpu, strict=True))
    print(f"{same} of {len(on_cpu)} texts equal those of the CPU")


if __name__ == "__main__":
    main()
