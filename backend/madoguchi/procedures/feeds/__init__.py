"""What the core-banking system sends, into the books (勘定系からの連携): blocks, days, rows, balances, quarantine."""
