"""The study: the ledger that all workers of a sweep share, leases, the budget, exported views."""
