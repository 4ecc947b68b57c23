"""Feeds from core banking: Zengin files and the internet-banking status feed."""
