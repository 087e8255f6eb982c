-- Bringing control tables up to date; migrate.py runs these.

-- select_applied --
-- Numbers of the migrations of a scope that this database has seen.
SELECT number FROM {migration} WHERE scope = %(scope)s;

-- record_migration --
-- Remember a migration in the transaction that makes it.
INSERT INTO {migration} (scope, number, name) VALUES ({scope}, {number}, {name});

-- is_applied --
-- Whether a migration has been made; the table of migrations itself is made by the first.
SELECT EXISTS (SELECT FROM {migration} WHERE scope = {scope} AND number = {number})

-- lock_migrations --
-- Keep a second migration out until this transaction ends.
LOCK TABLE {migration} IN SHARE ROW EXCLUSIVE MODE;

-- grant_batch_tables --
-- Who may read a platform's batches besides its jobs, which own them.
GRANT SELECT ON {batch_counter}, {batch_metrics} TO {merge}, {monitor}, {views};

-- grant_plan_tables --
-- The model merge writes plans and DAGs, jobs and monitor read plans, Airflow and monitor read DAGs.
GRANT SELECT, INSERT, UPDATE, DELETE ON {stream_plan}, {airflow_dsg} TO {merge};
GRANT SELECT ON {stream_plan} TO {jobs}, {monitor};
GRANT SELECT ON {airflow_dsg} TO {dags}, {monitor};
