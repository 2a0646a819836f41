"""Where the ledger is stored: a journal file, SQLite or PostgreSQL."""
