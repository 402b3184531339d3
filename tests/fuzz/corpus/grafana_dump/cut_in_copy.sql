--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE t (a text, b boolean);
COPY t (b, a) FROM stdin;
t	x\