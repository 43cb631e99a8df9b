"""Looks for bytes that break a target, guided by coverage; needs atheris and no test runner.

    python tests/fuzz/explore.py TARGET --seconds 60
    python tests/fuzz/explore.py TARGET --keep

What breaks the target is left in `.cache/fuzz/TARGET/`, and ends the search. `--keep` merges what
was found so far into the corpus that the tests replay: only what adds coverage to it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import atheris

TESTS: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
with atheris.instrument_imports(include=["sori_server", "sori_client"]):
    from support.fuzz_corpus import CORPUS, seeds
    from support.fuzz_targets import TARGETS

OPTIONS: Final = "--libfuzzer"
"""Marks arguments of libFuzzer, which starts this program for parts of a merge itself."""
LONGEST: Final = 4_096
MOST_FILES: Final = 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="merge what was found into the corpus")
    given = parser.parse_args()
    place = TESTS.parent / ".cache" / "fuzz" / given.target
    found, known = place / "found", place / "seeds"
    found.mkdir(parents=True, exist_ok=True)
    write_seeds(given.target, known)
    corpus = CORPUS / given.target
    corpus.mkdir(parents=True, exist_ok=True)
    if given.keep:
        keep(given.target, place, [corpus, found])
    else:
        words = place / "words"
        words.write_text("".join(f'"{word}"\n' for word in vocabulary(given.target)))
        flags = [f"-max_total_time={given.seconds}", f"-artifact_prefix={place}/", "-timeout=20"]
        folders = map(str, (found, corpus, known))
        fuzz(given.target, [*flags, f"-dict={words}", "-len_control=0", *folders])


def write_seeds(target: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for data in seeds(target).values():
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def vocabulary(target: str) -> list[str]:
    """Words of a target that reads text."""
    texts = b" ".join(seeds(target).values()).decode(errors="replace")
    return sorted(set(re.findall(r"[A-Za-z_]{2,}|[0-9.e]+", texts)))


def fuzz(target: str, flags: list[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    program = f"{sys.executable} {__file__} {target} {OPTIONS}"
    atheris.Setup([program, f"-max_len={LONGEST}", *flags], TARGETS[target])
    atheris.Fuzz()


def keep(target: str, place: Path, sources: list[Path]) -> None:
    """Replace the corpus by the files that add coverage to the seeds, fewer if they are many."""
    merged = place / "merged"
    write_seeds(target, merged)
    known = {path.name for path in merged.iterdir()}
    flags = [f"-max_len={LONGEST}", "-set_cover_merge=1", "-timeout=20"]
    command = [sys.executable, __file__, target, OPTIONS, *flags, str(merged), *map(str, sources)]
    subprocess.run(command, check=True)
    files = [path for path in merged.iterdir() if path.name not in known]
    files.sort(key=lambda path: (path.stat().st_size, path.name))
    step = max(len(files) / MOST_FILES, 1.0)
    chosen = [files[int(n * step)] for n in range(min(len(files), MOST_FILES))]
    for old in sources[0].glob("*.bin"):
        old.unlink()
    for path in chosen:
        shutil.copyfile(path, sources[0] / f"{path.name[:12]}.bin")
    print(f"{len(chosen)} of {len(files)} files kept")


if __name__ == "__main__":
    if OPTIONS in sys.argv[2:3]:
        fuzz(sys.argv[1], sys.argv[3:])
    main()
