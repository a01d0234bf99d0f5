"""A million photos: stylized by many processes, on one machine or a cluster, and gone on with after any interruption.

inputs.py          which photos there are, and how each stylized image is called
output_folder.py   the folder they go into: whole files only, the settings they were made with, a table of errors
worker.py          what one process does: loads the model once, stylizes what it is handed
ray_pool.py        the processes, by Ray Data
job.py             all of it together
"""
