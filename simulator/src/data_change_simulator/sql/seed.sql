-- Five customers in five cities and their eight addresses, put in only if both tables are empty.
-- One statement, so that the foreign keys in both directions are checked when all thirteen rows are there.

WITH first_customers AS (
    INSERT INTO customers (id, firstname, lastname, dob, email, phone, primaryaddressid, billingaddressid)
    SELECT id, firstname, lastname, dob, email, phone, primaryaddressid, billingaddressid
      FROM (VALUES
        ('CUST001', 'James',   'Miller',   date '1978-04-12', 'james.miller@example.com', '555-0101', 'ADDR001', 'ADDR002'),
        ('CUST002', 'Aisha',   'Johnson',  date '1985-09-30', 'aisha.johnson@example.com', '555-0102', 'ADDR003', 'ADDR003'),
        ('CUST003', 'Maria',   'Garcia',   date '1990-01-23', 'maria.g@example.com',       '555-0103', 'ADDR004', 'ADDR005'),
        ('CUST004', 'William', 'Nguyen',   date '1967-11-05', 'w.nguyen@example.com',      '555-0104', 'ADDR006', NULL),
        ('CUST005', 'Emily',   'Thompson', date '1995-07-18', 'emily.t@example.com',       NULL,       'ADDR007', 'ADDR008')
      ) AS seed (id, firstname, lastname, dob, email, phone, primaryaddressid, billingaddressid)
     WHERE NOT EXISTS (SELECT FROM customers) AND NOT EXISTS (SELECT FROM addresses)
)
INSERT INTO addresses (id, customerid, streetname, city, state, zipcode)
SELECT id, customerid, streetname, city, state, zipcode
  FROM (VALUES
    ('ADDR001', 'CUST001', '214 West 29th Street',    'New York', 'NY', '10001'),
    ('ADDR002', 'CUST001', '350 Fifth Avenue',        'New York', 'NY', '10118'),
    ('ADDR003', 'CUST002', '1840 North Clark Street', 'Chicago',  'IL', '60614'),
    ('ADDR004', 'CUST003', '906 Westheimer Road',     'Houston',  'TX', '77006'),
    ('ADDR005', 'CUST003', '1200 McKinney Street',    'Houston',  'TX', '77010'),
    ('ADDR006', 'CUST004', '415 Pine Street',         'Seattle',  'WA', '98101'),
    ('ADDR007', 'CUST005', '77 South Broadway',       'Denver',   'CO', '80209'),
    ('ADDR008', 'CUST005', '1600 Champa Street',      'Denver',   'CO', '80202')
  ) AS seed (id, customerid, streetname, city, state, zipcode)
 WHERE NOT EXISTS (SELECT FROM customers) AND NOT EXISTS (SELECT FROM addresses);
