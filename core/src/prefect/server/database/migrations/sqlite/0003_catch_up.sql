-- What becomes of the times at which a schedule was due while no server looked.

ALTER TABLE deployment_schedule ADD COLUMN catchup VARCHAR DEFAULT 'none' NOT NULL;
