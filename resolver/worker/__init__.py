"""A worker process: event loop, engine, transports, counters."""
