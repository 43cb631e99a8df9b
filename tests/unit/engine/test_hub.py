"""Models are fetched with progress from a hub on this machine, and found again without it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sori_server.engine.hub import Hub, HubFailed, size_on_disk
from sori_server.engine.models import download, resolve

pytestmark = pytest.mark.unit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "someone/whisper"
FILES = {
    "config.json": b"{}",
    "model.bin": bytes(300_000),
    "tokenizer.json": b'{"version": "1.0"}',
    "README.md": b"not needed",
}


class FakeHub(BaseHTTPRequestHandler):
    """The few answers of a hub that a download needs."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in (f"/api/models/{REPOSITORY}", f"/api/models/{REPOSITORY}/revision/main"):
            self._answer(json.dumps({"id": REPOSITORY, "sha": COMMIT}).encode())
        elif path == f"/api/models/{REPOSITORY}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": _digest(data)}
                for name, data in FILES.items()
            ]
            self._answer(json.dumps(tree).encode())
        elif path.startswith(f"/{REPOSITORY}/resolve/{COMMIT}/"):
            self._answer(FILES[path.rpartition("/")[2]])
        else:
            self.send_error(404)

    def _answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{_digest(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


def _digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeHub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_port}"
            yield Hub(cache=tmp_path, endpoint=endpoint, timeout=10.0)
        finally:
            server.shutdown()
            thread.join()


def test_a_model_is_fetched_with_progress_and_kept(hub: Hub) -> None:
    seen: list[tuple[int, int]] = []
    model = download(REPOSITORY, lambda done, total: seen.append((done, total)), hub)
    assert model.revision == COMMIT
    assert (model.path / "model.bin").stat().st_size == 300_000
    assert not (model.path / "README.md").exists()
    assert seen
    assert seen[-1][0] == seen[-1][1] == size_on_disk(model.path)
    assert all(done <= total for done, total in seen)
    unreachable = Hub(cache=hub.cache, endpoint="http://127.0.0.1:9", timeout=1.0)
    assert resolve(REPOSITORY, hub=unreachable) == model


def test_resolving_fetches_what_is_not_here(hub: Hub) -> None:
    assert hub.cached(REPOSITORY) is None
    assert resolve(REPOSITORY, hub=hub).path == hub.cached(REPOSITORY)


def test_nothing_is_drawn_on_the_terminal(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.fetch(REPOSITORY)
    assert capfd.readouterr() == ("", "")


def test_a_repository_that_does_not_exist_is_told(hub: Hub) -> None:
    with pytest.raises(HubFailed, match="404"):
        hub.fetch("someone/else")
