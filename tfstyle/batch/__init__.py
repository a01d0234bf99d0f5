"""A million photos: painted by many processes, on one machine or a cluster, and gone on with after any interruption.

photos.py       which photos there are, and how each painting is called
paintings.py    the folder they go into: whole files only, the settings they were made with, a table of errors
worker.py       what one process does: loads the model once, paints what it is handed
pool.py         the processes, by Ray Data
job.py          all of it together
"""
