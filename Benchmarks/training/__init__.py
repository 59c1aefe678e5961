"""Training on maas and beside it."""
