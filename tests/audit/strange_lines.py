"""Lines that no audit log has written."""

STRANGE = [b"[]", b"7", b"null", b"{}", b"\xff\x00", b'{"number": "1"}', b"[" * 100_000]
