-- The schema change of the tour: four columns more, all null in the rows that are there. Safe to run again.

ALTER TABLE customers
    ADD COLUMN IF NOT EXISTS datecreated timestamp,
    ADD COLUMN IF NOT EXISTS lastupdated timestamp;

ALTER TABLE addresses
    ADD COLUMN IF NOT EXISTS addresstype varchar(20),
    ADD COLUMN IF NOT EXISTS country varchar(100);
