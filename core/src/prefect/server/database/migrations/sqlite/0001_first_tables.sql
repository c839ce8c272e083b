-- The first tables.

CREATE TABLE artifact (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    "key" VARCHAR,
    task_run_id CHAR(36),
    flow_run_id CHAR(36),
    type VARCHAR,
    data TEXT,
    description TEXT,
    metadata_ TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX ix_artifact__created ON artifact (created);
CREATE INDEX ix_artifact__flow_run_id ON artifact (flow_run_id);
CREATE INDEX ix_artifact__key_created ON artifact ("key", created);
CREATE INDEX ix_artifact__task_run_id ON artifact (task_run_id) WHERE task_run_id IS NOT NULL;
CREATE INDEX ix_artifact__type ON artifact (type);
CREATE INDEX ix_artifact__updated ON artifact (updated);

CREATE TABLE artifact_collection (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    "key" VARCHAR NOT NULL,
    latest_id CHAR(36) NOT NULL,
    task_run_id CHAR(36),
    flow_run_id CHAR(36),
    type VARCHAR,
    data TEXT,
    description TEXT,
    metadata_ TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX ix_artifact_collection__created ON artifact_collection (created);
CREATE INDEX ix_artifact_collection__flow_run_id ON artifact_collection (flow_run_id);
CREATE INDEX ix_artifact_collection__latest_id ON artifact_collection (latest_id);
CREATE INDEX ix_artifact_collection__task_run_id ON artifact_collection (task_run_id);
CREATE INDEX ix_artifact_collection__updated ON artifact_collection (updated);
CREATE UNIQUE INDEX uq_artifact_collection__key ON artifact_collection ("key");

CREATE TABLE block_type (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    slug VARCHAR NOT NULL,
    logo_url VARCHAR,
    documentation_url VARCHAR,
    description TEXT,
    code_example TEXT,
    is_protected BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_block_type__slug ON block_type (slug);

CREATE TABLE configuration (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    "key" VARCHAR NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_configuration__key ON configuration ("key");

CREATE TABLE flow (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    tags TEXT NOT NULL,
    labels TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX ix_flow__created ON flow (created);
CREATE INDEX ix_flow__updated ON flow (updated);
CREATE UNIQUE INDEX uq_flow__name ON flow (name);

CREATE TABLE log (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    level INTEGER NOT NULL,
    flow_run_id CHAR(36),
    task_run_id CHAR(36),
    message TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_log__flow_run_id_timestamp ON log (flow_run_id, timestamp);
CREATE INDEX ix_log__task_run_id_timestamp ON log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL;
CREATE INDEX ix_log__timestamp ON log (timestamp);

CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    applied TEXT NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE variable (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    value TEXT,
    tags TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_variable__name ON variable (name);

CREATE TABLE block_schema (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    checksum VARCHAR NOT NULL,
    fields TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    version VARCHAR NOT NULL,
    block_type_id CHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE
);
CREATE INDEX ix_block_schema__block_type_id ON block_schema (block_type_id);
CREATE UNIQUE INDEX uq_block_schema__checksum_version ON block_schema (checksum, version);

CREATE TABLE flow_run (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    empirical_policy TEXT NOT NULL,
    tags TEXT NOT NULL,
    labels TEXT,
    state_id CHAR(36),
    state_type VARCHAR,
    state_name VARCHAR,
    state_timestamp TEXT,
    run_count INTEGER NOT NULL,
    expected_start_time TEXT,
    next_scheduled_start_time TEXT,
    start_time TEXT,
    end_time TEXT,
    total_run_time REAL NOT NULL,
    flow_id CHAR(36) NOT NULL,
    deployment_id CHAR(36),
    work_queue_name VARCHAR,
    flow_version VARCHAR,
    deployment_version VARCHAR,
    parameters TEXT NOT NULL,
    idempotency_key VARCHAR,
    context TEXT NOT NULL,
    created_by TEXT,
    infrastructure_pid VARCHAR,
    job_variables TEXT,
    infrastructure_document_id CHAR(36),
    parent_task_run_id CHAR(36),
    auto_scheduled BOOLEAN NOT NULL,
    work_queue_id CHAR(36),
    PRIMARY KEY (id),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_run__deployment_id ON flow_run (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX ix_flow_run__end_time ON flow_run (end_time);
CREATE INDEX ix_flow_run__expected_start_time ON flow_run (expected_start_time);
CREATE INDEX ix_flow_run__flow_id_state_type ON flow_run (flow_id, state_type);
CREATE INDEX ix_flow_run__idempotency_key ON flow_run (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ix_flow_run__name_id ON flow_run (name, id);
CREATE INDEX ix_flow_run__next_scheduled_start_time_id ON flow_run (next_scheduled_start_time, id);
CREATE INDEX ix_flow_run__parent_task_run_id ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE INDEX ix_flow_run__started ON flow_run (coalesce(start_time, expected_start_time), id);
CREATE INDEX ix_flow_run__state_name_id ON flow_run (state_name, id);
CREATE INDEX ix_flow_run__state_type_expected ON flow_run (state_type, expected_start_time, id);
CREATE INDEX ix_flow_run__state_type_id ON flow_run (state_type, id);
CREATE INDEX ix_flow_run__state_type_started ON flow_run (state_type, coalesce(start_time, expected_start_time), id);
CREATE UNIQUE INDEX uq_flow_run__flow_id_idempotency_key ON flow_run (flow_id, idempotency_key);

CREATE TABLE block_document (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    data TEXT NOT NULL,
    is_anonymous BOOLEAN NOT NULL,
    block_type_name VARCHAR,
    block_type_id CHAR(36) NOT NULL,
    block_schema_id CHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE,
    FOREIGN KEY(block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE
);
CREATE INDEX ix_block_document__block_schema_id ON block_document (block_schema_id);
CREATE INDEX ix_block_document__name ON block_document (name);
CREATE UNIQUE INDEX uq_block_document__block_type_id_name ON block_document (block_type_id, name);

CREATE TABLE block_schema_reference (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    parent_block_schema_id CHAR(36) NOT NULL,
    reference_block_schema_id CHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(parent_block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE,
    FOREIGN KEY(reference_block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE
);
CREATE INDEX ix_block_schema_reference__reference ON block_schema_reference (reference_block_schema_id);
CREATE UNIQUE INDEX uq_block_schema_reference__parent_name ON block_schema_reference (parent_block_schema_id, name, reference_block_schema_id);

CREATE TABLE flow_run_input (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    flow_run_id CHAR(36) NOT NULL,
    "key" VARCHAR NOT NULL,
    value TEXT NOT NULL,
    sender VARCHAR,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_flow_run_input__flow_run_id_key ON flow_run_input (flow_run_id, "key");

CREATE TABLE flow_run_lease (
    flow_run_id CHAR(36) NOT NULL,
    token CHAR(36) NOT NULL,
    host VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    process_started VARCHAR NOT NULL,
    boot_id VARCHAR NOT NULL,
    pid_namespace VARCHAR NOT NULL,
    acquired TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    suspended BOOLEAN NOT NULL,
    PRIMARY KEY (flow_run_id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_flow_run_lease__token ON flow_run_lease (token);

CREATE TABLE flow_run_state (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    flow_run_id CHAR(36) NOT NULL,
    type VARCHAR NOT NULL,
    timestamp TEXT NOT NULL,
    name VARCHAR NOT NULL,
    message TEXT,
    state_details TEXT NOT NULL,
    data TEXT,
    result_artifact_id CHAR(36),
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
CREATE INDEX ix_flow_run_state__flow_run_id_timestamp ON flow_run_state (flow_run_id, timestamp);

CREATE TABLE task_run (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    empirical_policy TEXT NOT NULL,
    tags TEXT NOT NULL,
    labels TEXT,
    state_id CHAR(36),
    state_type VARCHAR,
    state_name VARCHAR,
    state_timestamp TEXT,
    run_count INTEGER NOT NULL,
    expected_start_time TEXT,
    next_scheduled_start_time TEXT,
    start_time TEXT,
    end_time TEXT,
    total_run_time REAL NOT NULL,
    flow_run_id CHAR(36),
    task_key VARCHAR NOT NULL,
    dynamic_key VARCHAR NOT NULL,
    cache_key VARCHAR,
    cache_expiration TEXT,
    task_version VARCHAR,
    flow_run_run_count INTEGER NOT NULL,
    task_inputs TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run__end_time ON task_run (end_time);
CREATE INDEX ix_task_run__expected_start_time ON task_run (expected_start_time);
CREATE INDEX ix_task_run__flow_run_id_id ON task_run (flow_run_id, id);
CREATE INDEX ix_task_run__name_id ON task_run (name, id);
CREATE INDEX ix_task_run__next_scheduled_start_time ON task_run (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL;
CREATE INDEX ix_task_run__started ON task_run (coalesce(start_time, expected_start_time));
CREATE INDEX ix_task_run__state_name_id ON task_run (state_name, id);
CREATE INDEX ix_task_run__state_type_id ON task_run (state_type, id);

CREATE TABLE block_document_reference (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    parent_block_document_id CHAR(36) NOT NULL,
    reference_block_document_id CHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(parent_block_document_id) REFERENCES block_document (id) ON DELETE CASCADE,
    FOREIGN KEY(reference_block_document_id) REFERENCES block_document (id) ON DELETE CASCADE
);
CREATE INDEX ix_block_document_reference__reference ON block_document_reference (reference_block_document_id);
CREATE UNIQUE INDEX uq_block_document_reference__parent_name ON block_document_reference (parent_block_document_id, name);

CREATE TABLE task_run_state (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    task_run_id CHAR(36) NOT NULL,
    type VARCHAR NOT NULL,
    timestamp TEXT NOT NULL,
    name VARCHAR NOT NULL,
    message TEXT,
    state_details TEXT NOT NULL,
    data TEXT,
    result_artifact_id CHAR(36),
    PRIMARY KEY (id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run_state__task_run_id_timestamp ON task_run_state (task_run_id, timestamp);

