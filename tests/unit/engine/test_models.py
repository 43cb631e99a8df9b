"""Names, folders and hub ids become models; only `auto` ever falls back."""

from __future__ import annotations

import json
import logging
import shutil
import time
from pathlib import Path

import pytest
from sori_server.domain.errors import ModelNotFound
from sori_server.engine.hub import Hub
from sori_server.engine.models import (
    MINI_FOLDER,
    default_name,
    download,
    list_models,
    resolve,
)

pytestmark = pytest.mark.unit

NOWHERE = "http://127.0.0.1:9"
"""A port on which nothing listens."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """An empty cache and a hub that cannot be reached."""
    return Hub(cache=tmp_path / "cache", endpoint=NOWHERE, timeout=1.0)


def put_in_cache(hub: Hub, repository: str, *files: str) -> Path:
    assert hub.cache
    repo = hub.cache / f"models--{repository.replace('/', '--')}"
    snapshot = repo / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    for file in files or ("config.json", "model.bin", "tokenizer.json"):
        shutil.copy(MINI_FOLDER / file, snapshot / file)
    return snapshot


def test_mini_is_always_here(hub: Hub) -> None:
    model = resolve("mini", hub=hub)
    assert model.path == MINI_FOLDER
    assert model.capabilities.short_windows
    assert model.warning == ""


@pytest.mark.parametrize(("device", "name"), [("cpu", "small"), ("cuda:0", "large-v3-turbo")])
def test_auto_takes_the_usual_model_from_the_cache(hub: Hub, device: str, name: str) -> None:
    repository = {
        "small": "Systran/faster-whisper-small",
        "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    }[name]
    folder = put_in_cache(hub, repository)
    model = resolve("auto", device, hub)
    assert (model.name, model.path, model.revision) == (name, folder, COMMIT)
    assert model.warning == ""
    assert not model.capabilities.short_windows
    assert default_name(device) == name


def test_auto_takes_what_is_usual_for_the_work_and_a_name_does_not(hub: Hub) -> None:
    folder = put_in_cache(hub, "Systran/faster-whisper-small")
    model = resolve("auto", "cuda", hub, usual="small")
    assert (model.name, model.path) == ("small", folder)
    assert resolve("mini", "cuda", hub, usual="small").name == "mini"
    assert "model 'tiny' cannot be had" in resolve("auto", "cuda", hub, usual="tiny").warning


def test_auto_without_a_network_takes_mini_quickly_and_says_so(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with caplog.at_level(logging.WARNING):
        model = resolve("auto", "cpu", hub)
    assert time.monotonic() - started < 15
    assert model.name == "mini"
    assert "demonstration" in model.warning
    assert "'small'" in model.warning
    assert model.warning in caplog.text


def test_a_name_never_falls_back(hub: Hub) -> None:
    with pytest.raises(ModelNotFound) as failure:
        resolve("small", "cpu", hub)
    message = str(failure.value)
    for part in ("'small'", "local cache", "Systran/faster-whisper-small", "--model", "download"):
        assert part in message


@pytest.mark.parametrize("name", ["smal", "a/b/c", "", "./nowhere", "/nowhere/at/all", "-x/y z"])
def test_what_is_no_name_says_which_there_are(hub: Hub, name: str) -> None:
    with pytest.raises(ModelNotFound, match="large-v3-turbo"):
        resolve(name, "cpu", hub)


def test_an_unfinished_download_does_not_count(hub: Hub) -> None:
    put_in_cache(hub, "Systran/faster-whisper-small", "config.json")
    with pytest.raises(ModelNotFound, match="failed"):
        resolve("small", "cpu", hub)
    assert not next(row for row in list_models("cpu", hub) if row.name == "small").cached


def test_hub_ids_are_looked_up_in_the_cache(hub: Hub) -> None:
    folder = put_in_cache(hub, "someone/fine-tuned")
    assert resolve("someone/fine-tuned", hub=hub).path == folder
    with pytest.raises(ModelNotFound, match="someone/else"):
        resolve("someone/else", hub=hub)


def test_folders_are_models_with_their_own_card(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(MINI_FOLDER, folder)
    (folder / "sori.json").write_text(json.dumps({"timestamps": True}), encoding="utf-8")
    model = resolve(str(folder), hub=hub)
    assert (model.name, model.path, model.revision) == ("mine", folder, "local")
    assert model.capabilities.timestamps
    assert not model.capabilities.short_windows


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json", "config.json"])
def test_a_folder_without_a_model_says_what_is_missing(
    hub: Hub, tmp_path: Path, missing: str
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(MINI_FOLDER, folder)
    (folder / missing).unlink()
    with pytest.raises(ModelNotFound, match=missing):
        resolve(str(folder), hub=hub)


def test_a_broken_card_is_named(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(MINI_FOLDER, folder)
    (folder / "sori.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelNotFound, match="card"):
        resolve(str(folder), hub=hub)


def test_the_list_shows_what_is_here(hub: Hub) -> None:
    folder = put_in_cache(hub, "Systran/faster-whisper-tiny")
    rows = {row.name: row for row in list_models("cpu", hub)}
    assert next(iter(rows)) == "mini"
    assert rows["mini"].cached
    assert rows["tiny"].path == folder
    assert rows["tiny"].size is not None
    assert rows["tiny"].size > 4_000_000
    assert not rows["small"].cached
    assert rows["small"].size is None
    assert [row.name for row in rows.values() if row.default] == ["small"]


def test_downloading_without_a_network_says_what_to_do(hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match="--model mini"):
        download("small", hub=hub)
    assert download("mini", hub=hub).path == MINI_FOLDER
