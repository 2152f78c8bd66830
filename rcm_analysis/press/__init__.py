"""The press: template notebooks in, finished reports and packets out. It knows no measure.

templates, parameters      what exists, what it takes, and whether a request may start
kernels, papermill_engine  one process per notebook
run                        one request, one run folder
document → html, pdf       what a reader sees; workbook: the tables behind it
packet, batch, worker      one client's month; many reports at once
folders, manifest          whole or not at all; signed
"""
