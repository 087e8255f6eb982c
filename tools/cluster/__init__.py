"""The platform on a cluster: what `make images`, `make up`, `make down` and `make e2e` do.

Drives docker, helm, kubectl and kind as anyone would from a shell; knows nothing of what the chart installs beyond its
labels. What goes wrong is said with what to do about it.
"""
