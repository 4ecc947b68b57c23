"""The authorization server's door (FAPI 2.0)."""
