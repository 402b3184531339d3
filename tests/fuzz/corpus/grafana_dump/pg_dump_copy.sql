--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE FUNCTION public."insert"() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$ begin INSERT INTO public.data_source VALUES (9, '$$;', $1); end; $$_$;

CREATE FUNCTION public.both(begin integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN true THEN 1 ELSE 2
     END;
 INSERT INTO public.data_source (id)
   VALUES (9);
END;

CREATE TABLE public.alert (
    note text DEFAULT 'COPY public.data_source (id) FROM stdin;'::text
);

/* a comment /* in a comment */ INSERT INTO public.data_source VALUES (8); */
CREATE TABLE public.data_keys (
    name character varying(100) NOT NULL,
    active boolean NOT NULL,
    encrypted_data bytea,
    CONSTRAINT "check" CHECK (((name)::text <> ','::text))
);

CREATE TABLE public.data_source (
    id integer NOT NULL,
    url text DEFAULT ''::text,
    secure_json_data text,
    key bytea[]
);

CREATE RULE twice AS
    ON INSERT TO public.alert DO INSTEAD (SELECT 1 AS "?column?"; INSERT INTO public.data_source (id) VALUES (9); );

CREATE UNLOGGED TABLE public."user" (
    id integer NOT NULL,
    login character varying(190)
);
COPY public.alert (note) FROM stdin;
\\.
\.x
COPY public.data_source (id) FROM stdin;
\.
COPY public.data_keys (name, active, encrypted_data) FROM stdin;
k1	t	\\x2a00FF
k2	f	\N
k3	t	\\\\a\\001
\.

COPY public.data_source (id, url, secure_json_data, key) FROM stdin;
1	http://x	{"password":"a\\nb"}	{"\\\\x2a"}
2		\N	\N
3		\\N\t\n\r\b\f\v\101\x42\q	
\.

COPY public."user" (id, login) FROM stdin;
1	grün
\.

ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_pkey PRIMARY KEY (id);

CREATE TRIGGER alert AFTER INSERT ON public.alert FOR EACH ROW EXECUTE FUNCTION public."insert"();

--
-- PostgreSQL database dump complete
--

\unrestrict abc

