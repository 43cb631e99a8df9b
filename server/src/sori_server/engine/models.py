"""The catalogue of models: names, folders and hub ids to weights on this machine."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faster_whisper.utils import _MODELS as _REPOSITORIES  # the only list of names and ids

import sori_server
from sori_server.domain.errors import ModelNotFound
from sori_server.engine.capabilities import Capabilities
from sori_server.engine.hub import Hub, HubFailed, Progress, size_on_disk
from sori_server.engine.placement import AUTO, CPU, CUDA, detect_device

MINI: Final = "mini"
MINI_FOLDER: Final = Path(sori_server.__file__).parent / "models" / MINI

_LOG: Final = logging.getLogger(__name__)
_DEFAULTS: Final = {CPU: "small", CUDA: "large-v3-turbo"}
_NEEDED: Final = ("config.json", "model.bin", "tokenizer.json")
_HUB_ID: Final = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_MINI_REVISION: Final = "1"
_LOCAL_REVISION: Final = "local"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model whose files are on this machine.

    `warning` is empty unless another model than the one wanted was taken, or it is used as it
    may not bear: show it to the user. `interims` is the model for interims, if that is another.
    """

    name: str
    path: Path
    revision: str
    capabilities: Capabilities
    warning: str = ""
    interims: ResolvedModel | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One line of the catalogue; `path` and `size` (bytes) are None unless it is on disk."""

    name: str
    path: Path | None
    size: int | None
    default: bool

    @property
    def cached(self) -> bool:
        """Whether the model can be used without a network."""
        return self.path is not None


def resolve(
    name: str = AUTO,
    device: str = AUTO,
    hub: Hub = Hub(),  # noqa: B008 (immutable)
    progress: Progress | None = None,
    *,
    usual: str = "",
) -> ResolvedModel:
    """The model of this name, fetched from the hub if it is not here yet.

    `auto` takes `usual`, or else the usual model of the device, or the bundled `mini` with a
    warning where that cannot be had. A name, folder or hub id never stands for anything else.

    Raises:
        ModelNotFound: it cannot be had; the message says what was tried and what to do.
    """
    if name != AUTO:
        return _resolve_named(name, hub, progress)
    wanted = usual or default_name(device)
    try:
        return _resolve_named(wanted, hub, progress)
    except ModelNotFound as error:
        warning = (
            f"using the bundled demonstration model {MINI!r}, which knows a few hundred words: "
            f"{error}"
        )
        _LOG.warning("%s", warning)
        return _bundled(warning)


def download(
    name: str,
    progress: Progress | None = None,
    hub: Hub = Hub(),  # noqa: B008 (immutable)
) -> ResolvedModel:
    """Fetch a model from the hub, or bring it up to date.

    Raises:
        ModelNotFound: it cannot be had; the message says what was tried and what to do.
    """
    if name == AUTO:
        name = default_name()
    if name == MINI:
        return _bundled()
    return _fetched(name, _repository(name), hub, progress)


def list_models(
    device: str = AUTO,
    hub: Hub = Hub(),  # noqa: B008 (immutable)
) -> list[ModelRow]:
    """All models with a name, the bundled one first. Uses no network."""
    default = default_name(device)
    rows = [ModelRow(MINI, MINI_FOLDER, size_on_disk(MINI_FOLDER), default=False)]
    for name, repository in _REPOSITORIES.items():
        path = _complete(hub.cached(repository))
        size = None if path is None else size_on_disk(path)
        rows.append(ModelRow(name, path, size, default=name == default))
    return rows


def default_name(device: str = AUTO) -> str:
    """What `auto` stands for on this device."""
    kind = (detect_device() if device == AUTO else device).partition(":")[0]
    return _DEFAULTS.get(kind, _DEFAULTS[CPU])


def _resolve_named(name: str, hub: Hub, progress: Progress | None) -> ResolvedModel:
    if name == MINI:
        return _bundled()
    folder = Path(name).expanduser()
    if name and name not in _REPOSITORIES and folder.is_dir():
        return _in_folder(folder)
    repository = _repository(name)
    cached = _complete(hub.cached(repository))
    if cached is None:
        return _fetched(name, repository, hub, progress)
    return ResolvedModel(name, cached, cached.name, Capabilities.of(cached))


def _bundled(warning: str = "") -> ResolvedModel:
    capabilities = Capabilities.of(MINI_FOLDER)
    return ResolvedModel(MINI, MINI_FOLDER, _MINI_REVISION, capabilities, warning)


def _in_folder(folder: Path) -> ResolvedModel:
    folder = folder.resolve()
    if missing := _missing(folder):
        raise ModelNotFound(
            f"{folder} is not a CTranslate2 Whisper model: it has no {', '.join(missing)}; "
            "convert a checkpoint with ct2-transformers-converter --copy_files tokenizer.json "
            "preprocessor_config.json"
        )
    try:
        capabilities = Capabilities.of(folder)
    except ValueError as error:
        raise ModelNotFound(f"cannot read the card of the model in {folder}: {error}") from error
    return ResolvedModel(folder.name, folder, _LOCAL_REVISION, capabilities)


def _repository(name: str) -> str:
    if repository := _REPOSITORIES.get(name):
        return str(repository)
    if _HUB_ID.fullmatch(name):
        return name
    raise ModelNotFound(
        f"no model {name!r}: it is neither a folder here, nor a hub id like owner/name, nor one "
        f"of {', '.join([AUTO, MINI, *_REPOSITORIES])}"
    )


def _fetched(name: str, repository: str, hub: Hub, progress: Progress | None) -> ResolvedModel:
    try:
        path = hub.fetch(repository, progress)
    except HubFailed as error:
        raise ModelNotFound(
            f"model {name!r} cannot be had: it is not in the local cache, and fetching "
            f"{repository} from the hub failed ({error}); run `sori models download {name}` on a "
            "machine with a network and copy the cache (HF_HOME), give a folder with "
            "--model PATH, or use --model mini"
        ) from error
    if missing := _missing(path):
        raise ModelNotFound(
            f"{repository} is not a CTranslate2 Whisper model: it has no {', '.join(missing)}"
        )
    return ResolvedModel(name, path, path.name, Capabilities.of(path))


def _complete(folder: Path | None) -> Path | None:
    """The folder, unless its download was never finished."""
    return None if folder is None or _missing(folder) else folder


def _missing(folder: Path) -> list[str]:
    return [file for file in _NEEDED if not (folder / file).is_file()]
