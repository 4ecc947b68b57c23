"""窓口: translate the outside; decide nothing."""
