"""The internet-banking status feed (利用状況): its events and its nightly full file, and what they change and end."""
