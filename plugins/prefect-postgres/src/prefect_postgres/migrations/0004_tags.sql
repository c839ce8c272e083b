-- Runs are found by their tags. Most have none, and cost nothing here. The function takes as long as it says: to go through
-- a list in search of a tag is only quicker than the index where every few runs have it.

CREATE OR REPLACE FUNCTION prefect_texts(list JSON) RETURNS TEXT[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 2500
    AS $$ SELECT coalesce(array_agg(item), '{}') FROM json_array_elements_text(list) AS item $$;

CREATE INDEX ix_flow_run__tags ON flow_run USING gin (prefect_texts(tags)) WHERE CAST(tags AS TEXT) <> '[]';
CREATE INDEX ix_task_run__tags ON task_run USING gin (prefect_texts(tags)) WHERE CAST(tags AS TEXT) <> '[]';

-- How common each tag is: whether it is quicker to look it up, or to go through a list until enough is found. What is
-- known of an index that has not all rows would not be used for it.

CREATE STATISTICS st_flow_run__tags ON (prefect_texts(tags)) FROM flow_run;
CREATE STATISTICS st_task_run__tags ON (prefect_texts(tags)) FROM task_run;
