"""Bytes and words that nobody should send, for all that reads them from outside.

`make test` runs some cases, the same ones each time; `make fuzz` runs 100000, others for each seed. Those for the model
server are in `tests/serving/server/test_hostile.py`.
"""
