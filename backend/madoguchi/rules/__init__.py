"""規定: pure rules and frozen facts; standard library only."""
