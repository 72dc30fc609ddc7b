"""Downloads: resumed where they broke, started anew where they cannot be resumed, and honest about failure."""

import contextlib
import http.server
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from render.asset_download import DownloadError, download

CONTENT = bytes(range(256)) * 4096


@dataclass
class Behaviour:
    """What the server does: the bytes it sends before it hangs up (once each), and how it treats ranges."""

    cuts: list[int] = field(default_factory=list)
    ranges: str = "honoured"
    requested: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Callable[[Behaviour], str]]:
    running: list[http.server.ThreadingHTTPServer] = []

    def start(behaviour: Behaviour) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = self.headers.get("Range")
                behaviour.requested.append(wanted)
                if self.path != "/file.zip":
                    return self.send_error(404)
                found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
                begin = int(found.group(1)) if found and behaviour.ranges != "ignored" else 0
                if begin >= len(CONTENT):
                    return self.send_error(416)
                if behaviour.ranges == "shifted" and begin:
                    begin -= 100
                body = CONTENT[begin:]
                self.send_response(206 if begin else 200)
                if begin:
                    self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                cut = behaviour.cuts.pop(0) if behaviour.cuts else len(body)
                with contextlib.suppress(OSError):  # the client may have had enough
                    self.wfile.write(body[:cut])
                return None

            def log_message(self, *_):
                pass

        running.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=running[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{running[-1].server_address[1]}/file.zip"

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


def test_a_file_arrives_whole_and_progress_reaches_its_size(tmp_path: Path, server: Callable[[Behaviour], str]):
    """Bytes are equal, no partial file stays, and the last report is (all, all)."""
    seen: list[tuple[str, int, int | None]] = []
    target = tmp_path / "downloads" / "file.zip"
    download(server(Behaviour()), target, limit_bytes=len(CONTENT), progress=lambda *report: seen.append(report))
    assert target.read_bytes() == CONTENT
    assert seen[-1] == ("download", len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["file.zip"]


def test_a_broken_download_is_resumed_at_the_byte_where_it_stopped(tmp_path: Path, server: Callable[[Behaviour], str]):
    """The second request asks for the rest alone, within one call."""
    behaviour = Behaviour(cuts=[300_001])
    download(server(behaviour), tmp_path / "file.zip", limit_bytes=len(CONTENT))
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert behaviour.requested == [None, "bytes=300001-"]


def test_a_later_run_goes_on_from_what_an_earlier_one_left(tmp_path: Path, server: Callable[[Behaviour], str]):
    """Three breaks end the call with the bytes kept; the next call asks for the rest."""
    behaviour = Behaviour(cuts=[100, 200, 300])
    url = server(behaviour)
    with pytest.raises(DownloadError, match=r"broke off 3 times.*600 bytes are kept in .*run again to go on"):
        download(url, tmp_path / "file.zip", limit_bytes=len(CONTENT))
    assert not (tmp_path / "file.zip").exists()
    download(url, tmp_path / "file.zip", limit_bytes=len(CONTENT))
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert behaviour.requested[-1] == "bytes=600-"


@pytest.mark.parametrize("ranges", ["ignored", "shifted"])
def test_a_server_that_does_not_resume_sends_all_of_it_again(
    tmp_path: Path, server: Callable[[Behaviour], str], ranges: str
):
    """Ignoring the range, or answering another one, never puts bytes in the wrong place."""
    (tmp_path / "file.zip.part").write_bytes(b"x" * 5000)
    download(server(Behaviour(ranges=ranges)), tmp_path / "file.zip", limit_bytes=len(CONTENT))
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_partial_file_longer_than_the_file_is_dropped(tmp_path: Path, server: Callable[[Behaviour], str]):
    """The server answers 416; the file is fetched anew."""
    (tmp_path / "file.zip.part").write_bytes(b"x" * (len(CONTENT) + 1))
    download(server(Behaviour()), tmp_path / "file.zip", limit_bytes=len(CONTENT))
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_more_bytes_than_can_be_right_end_the_download(tmp_path: Path, server: Callable[[Behaviour], str]):
    """A server cannot fill the disk; nothing is kept."""
    with pytest.raises(DownloadError, match="more than the 1000 bytes"):
        download(server(Behaviour()), tmp_path / "file.zip", limit_bytes=1000)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_file_and_an_absent_server_are_told_apart(tmp_path: Path, server: Callable[[Behaviour], str]):
    """404 carries the answer, a closed port the reason; both name the address."""
    url = server(Behaviour()).replace("file.zip", "other.zip")
    with pytest.raises(DownloadError, match=r"other\.zip cannot be downloaded: the server answered 404"):
        download(url, tmp_path / "file.zip", limit_bytes=1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port}/file\.zip.*no connection \(.*refused"):
            download(f"http://127.0.0.1:{port}/file.zip", tmp_path / "file.zip", limit_bytes=1)
