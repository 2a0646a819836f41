"""The study: the ledger in which workers meet, leases, the budget, exported views."""
