-- The benchmark's own data, the same on every machine: customers and 1.6 addresses each, with text that is not ASCII
-- and nulls. Rows are drawn for a change by a hash of key and phase, so that they lie all over the table.

-- make_tables --
-- Keys and nothing else: what is measured is reading them.
CREATE TABLE IF NOT EXISTS customers (
    id               varchar(20)  NOT NULL PRIMARY KEY,
    firstname        varchar(100) NOT NULL,
    lastname         varchar(100) NOT NULL,
    dob              date         NOT NULL,
    email            varchar(100),
    phone            varchar(100),
    primaryaddressid varchar(20),
    billingaddressid varchar(20)
);
CREATE TABLE IF NOT EXISTS addresses (
    id         varchar(20)  NOT NULL PRIMARY KEY,
    customerid varchar(20)  NOT NULL,
    streetname varchar(100) NOT NULL,
    city       varchar(100) NOT NULL,
    state      varchar(100) NOT NULL,
    zipcode    varchar(30)  NOT NULL
);

-- fill_customers --
-- One row per number; every tenth has no e-mail, every seventh no telephone, three of four no address for bills.
INSERT INTO public.customers
SELECT 'C' || lpad(i::text, 9, '0'),
       (ARRAY['Zoë', 'Łukasz', 'Søren', 'María', 'Nguyễn', '李娜', 'Ольга', 'James', 'Aïcha', 'Jürgen'])[1 + i %% 10],
       (ARRAY['Müller', 'García', 'O''Neill', 'Åkesson', 'Smith', '山田', 'Þórsdóttir'])[1 + i %% 7] || ' ' || i %% 70000,
       date '1950-01-01' + i %% 20000,
       CASE WHEN i %% 10 <> 0 THEN 'person' || i || '@example.com' END,
       CASE WHEN i %% 7 <> 0 THEN '+1-555-' || lpad((i %% 10000)::text, 4, '0') END,
       'A' || lpad(i::text, 9, '0'),
       CASE WHEN i %% 4 = 0 THEN 'A' || lpad((i + 1)::text, 9, '0') END
  FROM generate_series(1, %(rows)s) AS i;

-- fill_addresses --
-- Every customer has one, the first of them a second one.
INSERT INTO public.addresses
SELECT 'A' || lpad(i::text, 9, '0'), 'C' || lpad((i %% %(customers)s + 1)::text, 9, '0'),
       i %% 9999 || ' ' || (ARRAY['Main Street', 'Rue de l''Été', 'Straße des 17. Juni', 'улица Мира'])[1 + i %% 4],
       'City' || i %% 3000, 'State' || i %% 50, lpad((i %% 99999)::text, 5, '0')
  FROM generate_series(1, %(rows)s) AS i;

-- count_rows --
-- Rows of one table.
SELECT count(*) FROM {table};

-- write_something --
-- A transaction that writes: no look may know without reading that nothing of it was in its tables.
SELECT pg_current_xact_id();

-- draw_rows --
-- Number as many rows as shall change, in an order that the phase decides.
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT id, row_number() OVER (ORDER BY hashtextextended(id, %(phase)s), id) AS n FROM {table}
 ORDER BY hashtextextended(id, %(phase)s), id LIMIT %(rows)s;

-- remove_drawn --
-- Remove the rows numbered from %(first)s to %(last)s.
DELETE FROM {table} AS t USING drawn AS d WHERE t.id = d.id AND d.n BETWEEN %(first)s AND %(last)s;

-- change_customers --
-- Another address for mail, also where there was none.
UPDATE {table} AS t SET email = 'phase' || %(phase)s || '.' || d.n || '@example.org'
  FROM drawn AS d WHERE t.id = d.id AND d.n BETWEEN %(first)s AND %(last)s;

-- change_addresses --
-- Another city.
UPDATE {table} AS t SET city = 'Ville ' || %(phase)s || '-' || d.n
  FROM drawn AS d WHERE t.id = d.id AND d.n BETWEEN %(first)s AND %(last)s;

-- add_customers --
-- Copies under new keys, which stand behind all others.
INSERT INTO {table}
SELECT 'CP' || %(phase)s || lpad(d.n::text, 7, '0'), t.firstname, t.lastname, t.dob, t.email, t.phone,
       t.primaryaddressid, t.billingaddressid
  FROM {table} AS t JOIN drawn AS d ON t.id = d.id WHERE d.n BETWEEN %(first)s AND %(last)s;

-- add_addresses --
-- Copies under new keys, which stand behind all others.
INSERT INTO {table}
SELECT 'AP' || %(phase)s || lpad(d.n::text, 7, '0'), t.customerid, t.streetname, t.city, t.state, t.zipcode
  FROM {table} AS t JOIN drawn AS d ON t.id = d.id WHERE d.n BETWEEN %(first)s AND %(last)s;

-- drop_drawn --
-- Make room for the next table's.
DROP TABLE drawn;

-- tidy --
-- What changed is cleaned up, so that no contender pays for it.
VACUUM (ANALYZE) {table};
