"""The gates of the chart that need programs of others: helm, ct, kubeconform, checkov.

What can be asked of a rendering by a test is a test, in tests/chart. A program that is not here is named as not shown.
"""
