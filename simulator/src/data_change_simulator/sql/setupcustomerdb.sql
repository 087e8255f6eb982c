-- The customer database: two tables that refer to each other. Safe to run again; existing tables are left as they are.
-- A customer's two address ids can be set only once the address is there, and an address only once its customer is:
-- the constraints are deferrable for whoever loads both in an order of their own (SET CONSTRAINTS ALL DEFERRED).

CREATE TABLE IF NOT EXISTS customers (
    id               varchar(20)  NOT NULL,
    firstname        varchar(100) NOT NULL,
    lastname         varchar(100) NOT NULL,
    dob              date         NOT NULL,
    email            varchar(100),
    phone            varchar(100),
    primaryaddressid varchar(20),
    billingaddressid varchar(20),
    CONSTRAINT customers_pkey PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS addresses (
    id         varchar(20)  NOT NULL,
    customerid varchar(20)  NOT NULL,
    streetname varchar(100) NOT NULL,
    city       varchar(100) NOT NULL,
    state      varchar(100) NOT NULL,
    zipcode    varchar(30)  NOT NULL,
    CONSTRAINT addresses_pkey PRIMARY KEY (id),
    CONSTRAINT addresses_customerid_fkey FOREIGN KEY (customerid) REFERENCES customers (id)
        ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE
);

-- The way back, which could not be declared before there were addresses.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = to_regclass('customers') AND conname = 'customers_primaryaddressid_fkey') THEN
        ALTER TABLE customers ADD CONSTRAINT customers_primaryaddressid_fkey
            FOREIGN KEY (primaryaddressid) REFERENCES addresses (id)
            ON DELETE SET NULL DEFERRABLE INITIALLY IMMEDIATE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = to_regclass('customers') AND conname = 'customers_billingaddressid_fkey') THEN
        ALTER TABLE customers ADD CONSTRAINT customers_billingaddressid_fkey
            FOREIGN KEY (billingaddressid) REFERENCES addresses (id)
            ON DELETE SET NULL DEFERRABLE INITIALLY IMMEDIATE;
    END IF;
END
$$;

CREATE INDEX IF NOT EXISTS customers_lastname_idx ON customers (lastname, firstname);
CREATE INDEX IF NOT EXISTS customers_primaryaddressid_idx ON customers (primaryaddressid);
CREATE INDEX IF NOT EXISTS customers_billingaddressid_idx ON customers (billingaddressid);
CREATE INDEX IF NOT EXISTS addresses_customerid_idx ON addresses (customerid);
