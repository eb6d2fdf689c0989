"""What was asked, as files tell it: captures, dnsperf's files, our own recordings. Pure."""
