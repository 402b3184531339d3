
-- Of the update from level 1 alone. All that was there has been replaced by now, so its owner can be: who installed level
-- 1 is no superuser, and must not change what runs as the extension's.
DO $$
DECLARE
  function regprocedure;
BEGIN
  FOR function IN
    SELECT d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.classid = 'pg_catalog.pg_proc'::regclass
       AND d.deptype = 'e' AND e.extname = 'coffer'
  LOOP
    EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO CURRENT_USER', function);
  END LOOP;
END $$;
