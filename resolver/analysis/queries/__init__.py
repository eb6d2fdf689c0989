"""Files of queries to replay: captures, dnsperf files, recordings."""
