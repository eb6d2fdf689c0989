"""An HTTPS server of lists that sends exactly what a test gives it, octet by octet.

Its certificate is of an authority made for the run, which the client trusts by the variable
SSL_CERT_FILE.
"""

import asyncio
import gzip
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a certificate for this host."""

    trusted: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def authority(openssl: Path, place: Path) -> Authority:
    """Make an authority and a certificate of it for 127.0.0.1 and localhost."""

    def run(*arguments: str | Path) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=place)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(
        *("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"),
        *("-subj", "/CN=made for a test", "-addext", "keyUsage=critical,keyCertSign"),
    )
    run("req", *key, "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=localhost")
    (place / "names").write_text(
        "subjectAltName=IP:127.0.0.1,IP:192.88.99.1,DNS:localhost,DNS:lists.test\n"
    )
    run(
        *("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-out", "host.pem", "-days", "2", "-extfile", "names"),
    )
    return Authority(place / "ca.pem", place / "host.pem", place / "host.key")


@dataclass
class Sources:
    """What the server says, by path, and what it was asked."""

    port: int = 0
    scheme: str = "https"
    says: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split()[1]
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            self.asked.append((path, headers))
            writer.write(self.says.get(path, response(b"", status="404 Not Found")))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(trusted: Authority | None, address: str = "127.0.0.1") -> AsyncIterator[Sources]:
    """A server, with TLS where there is an authority."""
    sources = Sources(scheme="https" if trusted else "http")
    context = trusted.context() if trusted else None
    server = await asyncio.start_server(sources._serve, address, 0, ssl=context, backlog=512)
    sources.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sources


def response(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """A whole response; a header of None is left out, an underscore is a hyphen."""
    sent = {"Content-Length": str(len(body)), "Content-Type": "text/plain"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in sent.items() if value]
    return f"HTTP/1.1 {status}\r\n".encode() + "\r\n".join([*lines, "", ""]).encode() + body


def zipped(body: bytes) -> bytes:
    return response(gzip.compress(body), Content_Encoding="gzip")


def chunked(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = [body[at : at + 500] for at in range(0, len(body), 500)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = response(b"", Content_Length="", Transfer_Encoding="chunked")
    return head + framed + end
