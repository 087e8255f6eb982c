-- Loading the flights and changing 1 % of them. The share is cut into 40 % new rows, 50 % changed, 10 % removed, each of
-- its own rows, which are drawn by a hash of the key and the seed. New rows are copies under a key that cannot be there.

-- load_table --
-- Take in one file as it is in the package.
COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv, HEADER true, NULL {null_text});

-- count_rows --
-- How many rows the share is of.
SELECT count(*) FROM {table};

-- draw_rows --
-- Number some rows in an order that the seed decides; n begins at 1.
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT {key}, row_number() OVER (ORDER BY lot, {key}) AS n
  FROM (SELECT {key}, hashtextextended(concat_ws('/', {key}), %(seed)s) AS lot FROM {table}) AS lots
 ORDER BY lot, {key} LIMIT %(rows)s;

-- remove_drawn --
-- Remove the drawn rows numbered from %(first)s to %(last)s.
DELETE FROM {table} AS t USING drawn AS d WHERE ({t_key}) = ({d_key}) AND d.n BETWEEN %(first)s AND %(last)s;

-- drop_drawn --
-- Make room for the next table's.
DROP TABLE drawn;

-- change_flights --
-- Delays are corrected; a flight that was missing one gets one.
UPDATE {table} AS t SET arr_delay = coalesce(t.arr_delay, 0) + 1, arr_time = coalesce(t.arr_time, t.sched_arr_time)
  FROM drawn AS d WHERE ({t_key}) = ({d_key}) AND d.n BETWEEN %(first)s AND %(last)s;

-- add_flights --
-- Flights that were reported late, as section 2 of a known flight. Real numbers end at 8500.
INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('flight', t.flight + 20000))).*
  FROM {table} AS t JOIN drawn AS d ON ({t_key}) = ({d_key}) WHERE d.n BETWEEN %(first)s AND %(last)s;

-- change_weather --
-- A thermometer is read again; where there was no reading there is one now.
UPDATE {table} AS t SET temp = coalesce(t.temp + 0.18, 50)
  FROM drawn AS d WHERE ({t_key}) = ({d_key}) AND d.n BETWEEN %(first)s AND %(last)s;

-- add_weather --
-- The same hour of the year after.
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object('year', t.year + 1,
                                                    'time_hour', t.time_hour + interval '1 year'))).*
  FROM {table} AS t JOIN drawn AS d ON ({t_key}) = ({d_key}) WHERE d.n BETWEEN %(first)s AND %(last)s;

-- change_planes --
-- A cabin is rebuilt.
UPDATE {table} AS t SET seats = t.seats + 2
  FROM drawn AS d WHERE ({t_key}) = ({d_key}) AND d.n BETWEEN %(first)s AND %(last)s;

-- add_planes --
-- Sister planes; real numbers begin with N.
INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('tailnum', 'X' || substr(t.tailnum, 2)))).*
  FROM {table} AS t JOIN drawn AS d ON ({t_key}) = ({d_key}) WHERE d.n BETWEEN %(first)s AND %(last)s;
