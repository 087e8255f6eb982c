"""What Airflow's scheduler loads before it forks: every task then shares the operator instead of loading its own.

Airflow finds this module by its name at the top of the path, where the image puts a copy of it.
"""

import sys

if sys.argv[1:2] == ["scheduler"]:
    import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401

    import datasurface.runtime.dags.builder  # noqa: F401
