-- The table of the examples. Before it: pgext/sql/coffer-l1.sql, or CREATE EXTENSION coffer.
BEGIN;

-- A value is bound to its row, so the number of a row is taken before its values are encrypted.
CREATE SEQUENCE customer_id;
CREATE TABLE customer (
  id bigint PRIMARY KEY,
  email  bytea NOT NULL, email_exact int4, email_exact_iv smallint,   -- ciphertext; token; index version that made it
                         email_unique bytea,                          -- a unique index: a column a version
  name   bytea NOT NULL, name_start int8[], name_start_iv smallint,
                         name_part int8[], name_part_iv smallint,
                         name_and_city int8, name_and_city_iv smallint,
  city   bytea NOT NULL,
  income bytea NOT NULL, income_range int8[], income_range_iv smallint
);

CREATE INDEX customer_email_exact ON customer (email_exact);
CREATE UNIQUE INDEX customer_email_unique ON customer (email_unique);
CREATE INDEX customer_name_start ON customer USING gin (name_start);
CREATE INDEX customer_name_part ON customer USING gin (name_part);
CREATE INDEX customer_name_and_city ON customer (name_and_city);
CREATE INDEX customer_income_range ON customer USING gin (income_range);

-- From now on the database takes ciphertext and nothing else.
SELECT coffer.protect('customer', field) FROM unnest('{email,name,city,income}'::name[]) AS field;

COMMIT;
