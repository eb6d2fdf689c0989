"""``python -m resolver.worker``: run a worker."""

from resolver.worker.worker import main

main()
