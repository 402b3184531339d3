-- Coffer inside PostgreSQL, level 1: functions over the header bytes of field ciphertexts, CHECK constraints, views with
-- *** and roles. For any server from version 14, managed ones included; no superuser, no library. It is run as it is,
-- again whenever a newer one comes:
--
--   psql --set=ON_ERROR_STOP=1 --file=coffer-l1.sql shop
--
-- pgext/README.md says what it promises, how it is removed, and how the extension (level 2) takes over.

BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'coffer') THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE =
      'extension coffer is installed, and level 1 would replace functions of it by slower ones';
  END IF;
END $$;
CREATE SCHEMA IF NOT EXISTS coffer;

-- ---- Header bytes (docs/FORMAT.md, section 1). Inlined, so a CHECK or a census costs no function call a row.

-- Whether the value has the form of a field ciphertext: format byte, suite and flags, key id, room for the suite's rest.
-- NULL of NULL. Form is what shows without a key: only the key service knows whether a value decrypts.
CREATE OR REPLACE FUNCTION coffer.is_ciphertext(value bytea) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(value) < 26 THEN false
  ELSE get_byte(value, 0) = 193
    -- Suite, flag 10 (always 0), 40 row-bound, 80 padded: the least length. A padded value holds a byte more.
    AND length(value) >= CASE get_byte(value, 1) & 223
                           WHEN 1 THEN 50 WHEN 65 THEN 50 WHEN 129 THEN 51 WHEN 193 THEN 51
                           WHEN 2 THEN 82 WHEN 66 THEN 82 WHEN 130 THEN 83 WHEN 194 THEN 83
                           WHEN 4 THEN 26 WHEN 132 THEN 27 ELSE 2147483647 END
    AND get_byte(value, 2) < 128
    -- The last byte of nearly every key id is not 0, so the dearer comparison is seldom made.
    AND (get_byte(value, 9) > 0 OR substring(value, 3, 8) <> '\x0000000000000000'::bytea)
  END;

-- The id of the key that the value names, as the service prints it: 1 to 2^63 - 1. NULL of what is no field ciphertext.
CREATE OR REPLACE FUNCTION coffer.key_id(value bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coffer.is_ciphertext(value)
            THEN ('x' || encode(substring(value, 3, 8), 'hex'))::bit(64)::bigint END;

-- 1 XAES-256-GCM, 2 the same and committing, 4 AES-256-SIV. NULL of what is no field ciphertext.
CREATE OR REPLACE FUNCTION coffer.suite(value bytea) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coffer.is_ciphertext(value) THEN get_byte(value, 1) & 15 END;

-- The second half of the CHECK that coffer.protect() adds: it raises check_violation itself, since the server's own error
-- would show the whole row.
CREATE OR REPLACE FUNCTION coffer.refuse_plaintext(column_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE check_violation USING MESSAGE =
    format('column %s takes only field ciphertexts of Coffer', coalesce(quote_ident(column_name), '?'));
END $$;

-- Both levels: begin

-- ---- Which columns are protected.

-- Its protected columns, and the strongest protection of each: 'type' coffer.ciphertext, 'check' of coffer.protect(),
-- 'label' of the provider coffer alone. Another CHECK does not count: it may let more through, and its error shows the row.
CREATE OR REPLACE FUNCTION coffer.protected_columns(table_name regclass)
RETURNS TABLE (column_name name, protection text)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE of_type (oid) AS (
    SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE n.nspname = 'coffer' AND t.typname = 'ciphertext' AND t.typtype = 'b'
    UNION ALL SELECT t.oid FROM pg_type t JOIN of_type o ON t.typbasetype = o.oid
  ), checks (attnum, definition) AS (
    SELECT conkey[1], pg_get_expr(conbin, conrelid) FROM pg_constraint
     WHERE conrelid = table_name AND contype = 'c' AND cardinality(conkey) = 1
  ), columns AS (
    SELECT a.attnum, a.attname,
           a.atttypid IN (SELECT oid FROM of_type) AS is_typed,
           EXISTS (SELECT FROM checks c WHERE c.attnum = a.attnum
                     AND starts_with(c.definition, f.first)
                     AND substr(c.definition, length(f.first) + 1)
                         ~ '^coffer\.refuse_plaintext\(''([^'']|'''')*''::text\)\)$') AS is_checked,
           EXISTS (SELECT FROM pg_seclabel l WHERE l.objoid = a.attrelid AND l.objsubid = a.attnum
                     AND l.classoid = 'pg_class'::regclass AND l.provider = 'coffer') AS is_labelled
      FROM pg_attribute a
           CROSS JOIN LATERAL format('((%1$I IS NULL) OR coffer.is_ciphertext(%1$I) OR ', a.attname) AS f(first)
     WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped
  )
  SELECT attname, CASE WHEN is_typed THEN 'type' WHEN is_checked THEN 'check' ELSE 'label' END
    FROM columns WHERE is_typed OR is_checked OR is_labelled ORDER BY attnum
$$;

-- Refuses the writing of anything but field ciphertexts into a bytea column from now on: a CHECK that is NOT VALID, so
-- rows that are there are neither read nor blocked; VALIDATE CONSTRAINT reads them. Values are stored uncompressed.
-- Does nothing where the column is protected by a type or a CHECK.
CREATE OR REPLACE FUNCTION coffer.protect(table_name regclass, column_name name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  constraint_name name := column_name || '_is_ciphertext';
  column_type oid := (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = table_name AND a.attnum > 0
                         AND NOT a.attisdropped AND a.attname = column_name);
BEGIN
  IF table_name IS NULL OR column_name IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'coffer.protect: table_name and column_name may not be NULL';
  END IF;
  IF column_type IS NULL THEN
    RAISE undefined_column USING MESSAGE = format('coffer.protect: %s has no column %I', table_name, column_name);
  END IF;
  IF EXISTS (SELECT FROM coffer.protected_columns(table_name) p
              WHERE p.column_name = protect.column_name AND p.protection <> 'label') THEN
    RETURN;
  END IF;
  IF column_type <> 'bytea'::regtype THEN
    RAISE wrong_object_type USING MESSAGE =
      format('coffer.protect: column %I is not bytea, and field ciphertexts are bytes', column_name);
  END IF;
  EXECUTE format('ALTER TABLE %s ALTER COLUMN %2$I SET STORAGE EXTERNAL, ADD CONSTRAINT %3$I '
                 'CHECK (%2$I IS NULL OR coffer.is_ciphertext(%2$I) OR coffer.refuse_plaintext(%2$L)) NOT VALID',
                 table_name, column_name, constraint_name);
  EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', constraint_name, table_name,
                 'Coffer: the form of a field ciphertext; the key service checks the truth.');
END $$;

-- ---- Counting.

-- How many values name each key, as `coffer census report` reads it. A row with key_id NULL counts what is no field
-- ciphertext; NULLs are not counted. Reads the whole table, and fails where row security would hide rows of it.
CREATE OR REPLACE FUNCTION coffer.census(table_name regclass, column_name name)
RETURNS TABLE (key_id bigint, count bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  -- Of a domain, the type under it; domains over domains are rare, and fall to the error below.
  column_type text := (SELECT format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL)
                         FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                        WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped
                          AND a.attname = column_name);
BEGIN
  IF table_name IS NULL OR column_name IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'coffer.census: table_name and column_name may not be NULL';
  END IF;
  IF column_type IS NULL THEN
    RAISE undefined_column USING MESSAGE = format('coffer.census: %s has no column %I', table_name, column_name);
  END IF;
  IF column_type NOT IN ('bytea', 'coffer.ciphertext') THEN
    RAISE wrong_object_type USING MESSAGE =
      format('coffer.census: column %I is neither bytea nor coffer.ciphertext', column_name);
  END IF;
  RETURN QUERY EXECUTE format('SELECT coffer.key_id(%1$I::%2$s), count(*) FROM %3$s WHERE %1$I IS NOT NULL '
                              'GROUP BY 1 ORDER BY 1', column_name, column_type, table_name);
END $$;

-- What a rewrap still has to do: the census without the keys that are current, and without what is no ciphertext.
CREATE OR REPLACE FUNCTION coffer.stale(table_name regclass, column_name name, current_keys bigint[])
RETURNS TABLE (key_id bigint, count bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_keys IS NULL OR array_position(current_keys, NULL) IS NOT NULL OR 1 > ANY (current_keys) THEN
    RAISE invalid_parameter_value USING MESSAGE = 'coffer.stale: current_keys are key ids, 1 to 2^63 - 1, none of them NULL';
  END IF;
  RETURN QUERY SELECT c.key_id, c.count FROM coffer.census(table_name, column_name) c
                WHERE c.key_id <> ALL (current_keys);
END $$;

-- ---- Views and roles.

-- Makes the view <table>_masked beside the table, or makes it anew: every column of today, with *** for those that are
-- protected and for those named in `also` (index tokens, say), whether there is a value or not. It reads the table with
-- the rights of whoever calls this. A column that the table gets later is not in it.
CREATE OR REPLACE FUNCTION coffer.masked_view(table_name regclass, also name[] DEFAULT '{}') RETURNS regclass
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  hidden name[] := ARRAY(SELECT p.column_name FROM coffer.protected_columns(table_name) p) || also;
  known name[] := ARRAY(SELECT a.attname FROM pg_attribute a
                         WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum);
  columns text := (SELECT string_agg(CASE WHEN k = ANY (hidden) THEN format('''***''::text AS %I', k)
                                          ELSE quote_ident(k) END, ', ' ORDER BY i)
                     FROM unnest(known) WITH ORDINALITY AS u(k, i));
  plain_name text := (SELECT c.relname FROM pg_class c WHERE c.oid = table_name);
  view_schema text := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.oid = table_name);
  view_name text;
  definition text;
BEGIN
  IF table_name IS NULL OR also IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'coffer.masked_view: table_name and also may not be NULL';
  END IF;
  view_name := format('%I.%I', view_schema, plain_name || '_masked');
  definition := format(' VIEW %s WITH (security_barrier) AS SELECT %s FROM %s', view_name, columns, table_name);
  IF NOT also <@ known THEN
    RAISE undefined_column USING MESSAGE = format('coffer.masked_view: also names what is no column of %s', table_name);
  END IF;
  IF cardinality(hidden) = 0 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('coffer.masked_view: %s has no protected column', table_name);
  END IF;
  IF octet_length(plain_name) > 56 THEN
    RAISE name_too_long USING MESSAGE = 'coffer.masked_view: the table''s name is longer than 56 bytes';
  END IF;
  IF to_regclass(view_name) IS NOT NULL
     AND NOT starts_with(coalesce(obj_description(to_regclass(view_name), 'pg_class'), ''), 'Coffer: ') THEN
    RAISE duplicate_table USING MESSAGE = format('coffer.masked_view: %s exists and is none of Coffer''s', view_name);
  END IF;
  BEGIN
    EXECUTE 'CREATE OR REPLACE' || definition;
  EXCEPTION WHEN invalid_table_definition THEN  -- Another type or order of columns. Grants on the old one are lost.
    EXECUTE format('DROP VIEW %s', view_name);
    EXECUTE 'CREATE' || definition;
  END;
  EXECUTE format('COMMENT ON VIEW %s IS %L', view_name, 'Coffer: ' || table_name::text || ', protected columns as ***.');
  RETURN to_regclass(view_name);
END $$;

-- Creates the roles that are missing, where the caller may, else says so: coffer_owner owns an application's tables,
-- coffer_app is the application, coffer_dba changes schemas as a member of coffer_owner, coffer_auditor reads ***.
-- None of them logs in; whoever does becomes a member of one. No role decrypts anything: the key service knows none.
CREATE OR REPLACE FUNCTION coffer.create_roles() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role name;
BEGIN
  FOREACH role IN ARRAY '{coffer_owner,coffer_app,coffer_dba,coffer_auditor}'::name[] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = role);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      IF role = 'coffer_dba' THEN
        GRANT coffer_owner TO coffer_dba;
      END IF;
    EXCEPTION
      WHEN insufficient_privilege OR undefined_object THEN
        RAISE WARNING 'coffer.create_roles: role % was not created, since the caller may not', role;
      WHEN duplicate_object OR unique_violation THEN
        NULL;  -- Somebody else was faster.
    END;
  END LOOP;
END $$;

-- Gives the roles their rights on a table: the application reads and writes; the DBA reads ciphertext, counts it and
-- rewraps the protected columns; the auditor reads the masked view, if there is one. Takes nothing away from anybody.
CREATE OR REPLACE FUNCTION coffer.grant_roles(table_name regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns text := (SELECT string_agg(quote_ident(p.column_name), ', ') FROM coffer.protected_columns(table_name) p);
  view_name text := (SELECT format('%I.%I', n.nspname, c.relname || '_masked')
                       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = table_name);
BEGIN
  IF table_name IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'coffer.grant_roles: table_name may not be NULL';
  END IF;
  IF columns IS NULL THEN
    RAISE invalid_parameter_value USING MESSAGE = format('coffer.grant_roles: %s has no protected column', table_name);
  END IF;
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO coffer_app', table_name);
  EXECUTE format('GRANT SELECT, UPDATE (%s) ON %s TO coffer_dba', columns, table_name);
  IF to_regclass(view_name) IS NOT NULL THEN
    EXECUTE format('GRANT SELECT ON %s TO coffer_auditor, coffer_dba', view_name);
  END IF;
END $$;

-- Whoever writes a protected column runs its CHECK, so these are for all. They reveal nothing but header bytes.
GRANT USAGE ON SCHEMA coffer TO PUBLIC;
COMMENT ON SCHEMA coffer IS 'Coffer: form and keys of field ciphertexts.';

-- Both levels: end

DO $$ BEGIN PERFORM coffer.create_roles(); END $$;
COMMIT;
