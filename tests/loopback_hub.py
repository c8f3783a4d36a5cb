"""A hub of models on loopback: facts on a repository, and files with their hash."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def commit_of(branch: str) -> str:
    """The commit that a branch stands for."""
    return hashlib.sha1(branch.encode()).hexdigest() if branch else COMMIT


def answers(models: dict[str, Path], branches: dict[str, Path] | None = None) -> dict[str, bytes]:
    """What is answered under each path; `branches` are other contents, by "owner/name@branch"."""
    found = {}
    for address, folder in {**models, **(branches or {})}.items():
        name, _, branch = address.partition("@")
        files = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        facts = {
            "id": name,
            "modelId": name,
            "sha": commit_of(branch),
            "siblings": [{"rfilename": file} for file in files],
        }
        if not branch:
            found[f"/api/models/{name}"] = json.dumps(facts).encode()
        for revision in (branch or "main", commit_of(branch)):
            found[f"/api/models/{name}/revision/{revision}"] = json.dumps(facts).encode()
            found |= {f"/{name}/resolve/{revision}/{file}": body for file, body in files.items()}
    return found


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def loopback_hub(
    models: dict[str, Path], branches: dict[str, Path] | None = None, asked: list[str] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve folders as repositories.

    Args:
        models: the folder of each repository, by "owner/name".
        branches: the folders of other branches, by "owner/name@branch".
        asked: a list that fills with what is asked for, by any method, whether it is there or not.

    Yields:
        The address, and a list that fills with what is sent.
    """
    sent: list[str] = []
    known = answers(models, branches)
    others = [name.partition("@")[2] for name in branches or {}]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            if asked is not None:
                asked.append(self.path.split("?")[0])
            body = known.get(self.path.split("?")[0])
            self.send_response(404 if body is None else 200)
            if body is None:
                self.send_header("X-Error-Code", "RepoNotFound" if "/api/" in self.path else "EntryNotFound")
            else:
                self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
                asked_for = self.path.partition("/resolve/")[2].partition("/")[0]
                known_branch = next((name for name in others if asked_for in (name, commit_of(name))), "")
                self.send_header("X-Repo-Commit", commit_of(known_branch))
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            path = self.path.split("?")[0]
            self.wfile.write(known.get(path, b""))
            sent.append(path)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as address:
        yield address, sent


@contextmanager
def silent_server(seconds: float) -> Iterator[str]:
    """A server that takes requests and answers none; gives its address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(seconds)

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as address:
        yield address
        over.set()
