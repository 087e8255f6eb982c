"""The benchmark: this engine beside COPY|COPY of the same rows, in the same run, as ratios. `python -m bench --help`.

It builds its data and its databases itself and uses the platform through its public commands and records only.
"""
