"""The core-banking door (勘定系): feeds in the bank's own formats become the values that procedures take.

Zengin 種別 03 and 04: zengin_file.py (first pass) and zengin_reader.py (second pass, with zengin_blocks.py,
zengin_statements.py and zengin_notices.py) over zengin_record.py, era.py, zengin_code.py and the tables of
zengin_layout.py; zengin_writer.py is their mirror. The status feed: status_feed.py.
Invented books: sample_*.py.
"""
