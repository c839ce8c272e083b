-- What becomes of the times at which a schedule was due while no server looked.

ALTER TABLE deployment_schedule ADD COLUMN catchup TEXT COLLATE "C" DEFAULT 'none' NOT NULL;
