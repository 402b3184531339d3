--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SELECT $a$ $b$ $a $a$;
CREATE FUNCTION f() BEGIN ATOMIC
END;
CREATE TABLE t (a bytea[], b text);
INSERT INTO t DEFAULT VALUES;

ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_pkey PRIMARY KEY (id);

CREATE TRIGGER alert AFTER INSERT ON public.alert FOR EACH ROW EXECUTE FUNCTION public."insert"();

--
-- PostgreSQL database dump complete
--

\unrestrict abc

