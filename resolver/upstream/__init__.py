"""Forward queries: sockets to upstream servers, and the addresses of these servers."""
