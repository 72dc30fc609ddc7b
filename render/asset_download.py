"""One file over HTTP: a broken download is resumed where it stopped."""

import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 60.0
ATTEMPTS = 3
BLOCK_BYTES = 1 << 20
Progress = Callable[[str, int, int | None], None]
"""Called with a stage (`download`), the bytes done, and the bytes in all (None while unknown)."""


class DownloadError(Exception):
    """A file could not be downloaded; what came so far is kept for the next attempt."""


class _InterruptedError(Exception):
    """The connection ended early; what came is in the partial file."""


def download(
    url: str, target: Path, *, limit_bytes: int, progress: Progress | None = None, timeout_s: float = TIMEOUT_S
) -> None:
    """Fetch a URL into `target`, by way of `target` + ".part", which a later call takes up again.

    A server that ignores the request for the rest of a file is asked for all of it. An interrupted transfer is resumed
    a few times before giving up.

    Raises: DownloadError naming the URL, how much came and why no more did, or that more came than `limit_bytes`.
    """
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _transfer(url, part, limit_bytes=limit_bytes, progress=progress, timeout_s=timeout_s)
            break
        except _InterruptedError as error:
            if attempt == ATTEMPTS:
                kept = part.stat().st_size if part.exists() else 0
                raise DownloadError(
                    f"the download of {url} broke off {ATTEMPTS} times ({error}); {kept} bytes are kept in {part}, "
                    "run again to go on from there"
                ) from error
    part.replace(target)


def _transfer(url: str, part: Path, *, limit_bytes: int, progress: Progress | None, timeout_s: float) -> None:
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "headroom", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            # What lies there is longer than the file, or all of it: neither can be told apart, so fetch it anew.
            part.unlink()
            raise _InterruptedError(f"the server has nothing beyond byte {start}") from error
        raise DownloadError(f"{url} cannot be downloaded: the server answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, TimeoutError, http.client.HTTPException, ValueError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url} cannot be downloaded: no connection ({reason})") from error
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
        elif not _continues_at(response, start):
            part.unlink(missing_ok=True)
            raise _InterruptedError(f"the server went on elsewhere than at byte {start}")
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        done = start
        with part.open("ab" if start else "wb") as sink:
            try:
                while block := _read(response):
                    done += len(block)
                    if done > limit_bytes:
                        part.unlink()
                        raise DownloadError(f"{url} sends more than the {limit_bytes} bytes that can be right")
                    sink.write(block)
                    if progress is not None:
                        progress("download", done, total)
            finally:
                sink.flush()
                os.fsync(sink.fileno())
        if total is not None and done < total:
            raise _InterruptedError(f"{done} of {total} bytes came")


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(BLOCK_BYTES)
    except (http.client.HTTPException, OSError) as error:
        raise _InterruptedError(f"{type(error).__name__}: {error}") from error


def _continues_at(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether the part of the file that the server sends is the one that was asked for."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return found is not None and int(found.group(1)) == start
