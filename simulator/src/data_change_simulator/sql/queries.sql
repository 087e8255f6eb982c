-- limit_waiting --
-- Bound every wait of this transaction, so that a lock or a silent peer cannot keep the simulator from stopping.
SELECT set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true),
       set_config('timezone', 'UTC', true);

-- find_columns --
-- Column names of one table; no row where there is no such table on the search path.
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped;

-- lock_setup --
-- Held to the end of the transaction: of two simulators started at once only one makes the tables.
SELECT pg_advisory_xact_lock(hashtext('data_change_simulator.setup'));

-- count_rows --
SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM addresses);

-- count_customers --
SELECT count(*) FROM customers;

-- nth_customer --
-- "C" makes the order, and with it a seeded run, the same on every server.
SELECT id, firstname, lastname, email, phone, primaryaddressid
  FROM customers ORDER BY id COLLATE "C" OFFSET %(offset)s LIMIT 1;

-- count_addresses --
SELECT count(*) FROM addresses;

-- nth_address --
SELECT id, streetname FROM addresses ORDER BY id COLLATE "C" OFFSET %(offset)s LIMIT 1;

-- count_spare_addresses --
-- Addresses whose customer has another one.
SELECT count(*) FROM addresses AS a
 WHERE EXISTS (SELECT FROM addresses AS b WHERE b.customerid = a.customerid AND b.id <> a.id);

-- nth_spare_address --
SELECT a.id FROM addresses AS a
 WHERE EXISTS (SELECT FROM addresses AS b WHERE b.customerid = a.customerid AND b.id <> a.id)
 ORDER BY a.id COLLATE "C" OFFSET %(offset)s LIMIT 1;

-- customers_at_address --
-- Customers who name the address as primary or billing; ON DELETE SET NULL touches exactly these.
SELECT id FROM customers WHERE primaryaddressid = %(address)s OR billingaddressid = %(address)s ORDER BY id COLLATE "C";

-- highest_customer_number --
SELECT coalesce(max(substr(id, 2)::bigint), 0) FROM customers WHERE id ~ '^C[0-9]{1,18}$';

-- highest_address_number --
SELECT coalesce(max(substr(id, 2)::bigint), 0) FROM addresses WHERE id ~ '^A[0-9]{1,18}$';

-- lock_and_hash_customers --
-- Nulls are left out of the text, so a column that was added and not yet filled does not change a row's hash.
SELECT t.id, left(encode(sha256(convert_to(jsonb_strip_nulls(to_jsonb(t))::text, 'UTF8')), 'hex'), 32)
  FROM customers AS t WHERE t.id = ANY(%(keys)s) ORDER BY t.id FOR UPDATE;

-- lock_and_hash_addresses --
SELECT t.id, left(encode(sha256(convert_to(jsonb_strip_nulls(to_jsonb(t))::text, 'UTF8')), 'hex'), 32)
  FROM addresses AS t WHERE t.id = ANY(%(keys)s) ORDER BY t.id FOR UPDATE;

-- current_transaction --
SELECT pg_current_xact_id()::text;

-- transaction_status --
-- committed, aborted, in progress, or null when too old to tell; fails with 22023 for an id not given out yet.
SELECT pg_xact_status(%(transaction_id)s::xid8);
