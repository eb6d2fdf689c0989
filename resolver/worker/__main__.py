"""``python -m resolver.worker``: run a worker."""

from resolver.worker.first_beats import first_beats

with first_beats():
    from resolver.worker.worker import main

main()
