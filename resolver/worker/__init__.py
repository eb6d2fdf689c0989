"""One process: event loop, engine, transports, counters."""
