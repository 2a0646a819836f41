"""One configuration trained: trainer, loop, callbacks, resume points, engines."""
