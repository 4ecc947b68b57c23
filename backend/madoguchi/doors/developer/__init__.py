"""Sandbox only: the sample aggregator, a real OAuth client over loopback."""
