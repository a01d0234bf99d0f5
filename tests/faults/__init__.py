"""What happens to a model server, its disk and its clients, with the toy model; `make soak` does more with a real one.

A full queue is in `tests/serving/server/test_backpressure.py`, versions rolled in under load in `test_under_load.py`
there, a kill, a restart and a pause of an only server in `tests/serving/client/test_restart.py`, the bot's faults in
`tests/bot/`.
"""
