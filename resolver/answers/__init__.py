"""What is known without asking: cache, local records, special-use names, sinkhole. Pure."""
