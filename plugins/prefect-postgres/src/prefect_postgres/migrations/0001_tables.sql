-- All tables. Text is compared by code point, as on SQLite, and is not subject to the locales of a host.

CREATE TABLE answered_request (
    key UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (key)
);

CREATE INDEX ix_answered_request__created ON answered_request (created);

CREATE TABLE api_token (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    scopes JSON NOT NULL,
    work_pool_name TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_api_token__digest ON api_token (digest);

CREATE UNIQUE INDEX uq_api_token__name ON api_token (name);

CREATE TABLE artifact (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT COLLATE "C",
    task_run_id UUID,
    flow_run_id UUID,
    type TEXT COLLATE "C",
    data JSON,
    description TEXT COLLATE "C",
    metadata_ JSON,
    PRIMARY KEY (id)
);

CREATE INDEX ix_artifact__created ON artifact (created);

CREATE INDEX ix_artifact__flow_run_id ON artifact (flow_run_id ASC NULLS FIRST);

CREATE INDEX ix_artifact__key_created ON artifact (key ASC NULLS FIRST, created);

CREATE INDEX ix_artifact__task_run_id ON artifact (task_run_id ASC NULLS FIRST) WHERE task_run_id IS NOT NULL;

CREATE INDEX ix_artifact__type ON artifact (type ASC NULLS FIRST);

CREATE INDEX ix_artifact__updated ON artifact (updated);

CREATE TABLE artifact_collection (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    latest_id UUID NOT NULL,
    task_run_id UUID,
    flow_run_id UUID,
    type TEXT COLLATE "C",
    data JSON,
    description TEXT COLLATE "C",
    metadata_ JSON,
    PRIMARY KEY (id)
);

CREATE INDEX ix_artifact_collection__created ON artifact_collection (created);

CREATE INDEX ix_artifact_collection__flow_run_id ON artifact_collection (flow_run_id ASC NULLS FIRST);

CREATE INDEX ix_artifact_collection__latest_id ON artifact_collection (latest_id);

CREATE INDEX ix_artifact_collection__task_run_id ON artifact_collection (task_run_id ASC NULLS FIRST);

CREATE INDEX ix_artifact_collection__updated ON artifact_collection (updated);

CREATE UNIQUE INDEX uq_artifact_collection__key ON artifact_collection (key);

CREATE TABLE audit_entry (
    id UUID NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C",
    resource TEXT COLLATE "C",
    details JSON,
    PRIMARY KEY (id)
);

CREATE INDEX ix_audit_entry__occurred ON audit_entry (occurred);

CREATE INDEX ix_audit_entry__resource ON audit_entry (resource ASC NULLS FIRST);

CREATE TABLE automation (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    enabled BOOLEAN NOT NULL,
    tags JSON NOT NULL,
    trigger JSON NOT NULL,
    actions JSON NOT NULL,
    actions_on_trigger JSON NOT NULL,
    actions_on_resolve JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_automation__created ON automation (created);

CREATE INDEX ix_automation__name ON automation (name);

CREATE INDEX ix_automation__updated ON automation (updated);

CREATE TABLE block_type (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    logo_url TEXT COLLATE "C",
    documentation_url TEXT COLLATE "C",
    description TEXT COLLATE "C",
    code_example TEXT COLLATE "C",
    is_protected BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_block_type__slug ON block_type (slug);

CREATE TABLE concurrency_limit_v2 (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    active BOOLEAN NOT NULL,
    "limit" INTEGER NOT NULL,
    slot_decay_per_second FLOAT NOT NULL,
    denied_slots INTEGER NOT NULL,
    avg_slot_occupancy_seconds FLOAT NOT NULL,
    decaying_slots FLOAT NOT NULL,
    decaying_since TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_concurrency_limit_v2__name ON concurrency_limit_v2 (name);

CREATE TABLE configuration (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_configuration__key ON configuration (key);

CREATE TABLE csrf_token (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    token TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    expiration TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_csrf_token__expiration ON csrf_token (expiration);

CREATE UNIQUE INDEX uq_csrf_token__client ON csrf_token (client);

CREATE TABLE event_backlog (
    position SERIAL NOT NULL,
    events JSON NOT NULL,
    PRIMARY KEY (position)
);

CREATE TABLE events (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    resource JSON NOT NULL,
    related JSON NOT NULL,
    payload JSON NOT NULL,
    received TIMESTAMP WITH TIME ZONE NOT NULL,
    follows UUID,
    PRIMARY KEY (id)
);

CREATE INDEX ix_events__event_occurred ON events (event, occurred);

CREATE INDEX ix_events__occurred_id ON events (occurred, id);

CREATE INDEX ix_events__received_id ON events (received, id);

CREATE INDEX ix_events__resource_id_occurred ON events (resource_id, occurred);

CREATE TABLE flow (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    tags JSON NOT NULL,
    labels JSON,
    PRIMARY KEY (id)
);

CREATE INDEX ix_flow__created ON flow (created);

CREATE INDEX ix_flow__updated ON flow (updated);

CREATE UNIQUE INDEX uq_flow__name ON flow (name);

CREATE TABLE log (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    level INTEGER NOT NULL,
    flow_run_id UUID,
    task_run_id UUID,
    message TEXT COLLATE "C" NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_log__flow_run_id_timestamp ON log (flow_run_id ASC NULLS FIRST, timestamp);

CREATE INDEX ix_log__task_run_id_timestamp ON log (task_run_id ASC NULLS FIRST, timestamp) WHERE task_run_id IS NOT NULL;

CREATE INDEX ix_log__timestamp ON log (timestamp);

CREATE TABLE saved_search (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    filters JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_saved_search__name ON saved_search (name);

CREATE TABLE schema_version (
    version SERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    applied TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (version)
);

CREATE TABLE service_lease (
    service TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_tick TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (service)
);

CREATE TABLE task_worker (
    identifier TEXT COLLATE "C" NOT NULL,
    task_keys JSON NOT NULL,
    last_heartbeat TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (identifier)
);

CREATE INDEX ix_task_worker__last_heartbeat ON task_worker (last_heartbeat);

CREATE TABLE variable (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value JSON,
    tags JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_variable__name ON variable (name);

CREATE TABLE work_pool (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    type TEXT COLLATE "C" NOT NULL,
    base_job_template JSON NOT NULL,
    is_paused BOOLEAN NOT NULL,
    concurrency_limit INTEGER,
    default_queue_id UUID,
    status TEXT COLLATE "C" NOT NULL,
    last_transitioned_status_at TIMESTAMP WITH TIME ZONE,
    last_status_event_id UUID,
    storage_configuration JSON NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX ix_work_pool__type ON work_pool (type);

CREATE UNIQUE INDEX uq_work_pool__name ON work_pool (name);

CREATE TABLE automation_related_resource (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    automation_id UUID NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    automation_owned_by_resource BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);

CREATE INDEX ix_automation_related_resource__resource_id ON automation_related_resource (resource_id);

CREATE UNIQUE INDEX uq_automation_related_resource__automation_resource ON automation_related_resource (automation_id, resource_id);

CREATE TABLE block_schema (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    checksum TEXT COLLATE "C" NOT NULL,
    fields JSON NOT NULL,
    capabilities JSON NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    block_type_id UUID NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_schema__block_type_id ON block_schema (block_type_id);

CREATE UNIQUE INDEX uq_block_schema__checksum_version ON block_schema (checksum, version);

CREATE TABLE concurrency_lease (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    lease_id UUID NOT NULL,
    concurrency_limit_id UUID NOT NULL,
    slots INTEGER NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    holder_type TEXT COLLATE "C",
    holder_id UUID,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(concurrency_limit_id) REFERENCES concurrency_limit_v2 (id) ON DELETE CASCADE
);

CREATE INDEX ix_concurrency_lease__concurrency_limit_id ON concurrency_lease (concurrency_limit_id);

CREATE INDEX ix_concurrency_lease__expires_at ON concurrency_lease (expires_at ASC NULLS FIRST);

CREATE INDEX ix_concurrency_lease__holder_id ON concurrency_lease (holder_id ASC NULLS FIRST);

CREATE INDEX ix_concurrency_lease__lease_id ON concurrency_lease (lease_id);

CREATE TABLE event_resources (
    event_id UUID NOT NULL,
    position INTEGER NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    resource_role TEXT COLLATE "C" NOT NULL,
    resource JSON NOT NULL,
    PRIMARY KEY (event_id, position),
    FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE
);

CREATE INDEX ix_event_resources__resource_id_occurred ON event_resources (resource_id, occurred, event_id);

CREATE TABLE flow_run (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    empirical_policy JSON NOT NULL,
    tags JSON NOT NULL,
    labels JSON,
    state_id UUID,
    state_type TEXT COLLATE "C",
    state_name TEXT COLLATE "C",
    state_timestamp TIMESTAMP WITH TIME ZONE,
    run_count INTEGER NOT NULL,
    expected_start_time TIMESTAMP WITH TIME ZONE,
    next_scheduled_start_time TIMESTAMP WITH TIME ZONE,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    total_run_time DOUBLE PRECISION NOT NULL,
    flow_id UUID NOT NULL,
    deployment_id UUID,
    work_queue_name TEXT COLLATE "C",
    flow_version TEXT COLLATE "C",
    deployment_version TEXT COLLATE "C",
    parameters JSON NOT NULL,
    idempotency_key TEXT COLLATE "C",
    context JSON NOT NULL,
    created_by JSON,
    infrastructure_pid TEXT COLLATE "C",
    job_variables JSON,
    infrastructure_document_id UUID,
    parent_task_run_id UUID,
    auto_scheduled BOOLEAN NOT NULL,
    work_queue_id UUID,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run__deployment_id ON flow_run (deployment_id ASC NULLS FIRST) WHERE deployment_id IS NOT NULL;

CREATE INDEX ix_flow_run__deployment_id_state_type ON flow_run (deployment_id ASC NULLS FIRST, state_type ASC NULLS FIRST, next_scheduled_start_time ASC NULLS FIRST) WHERE deployment_id IS NOT NULL;

CREATE INDEX ix_flow_run__end_time ON flow_run (end_time ASC NULLS FIRST);

CREATE INDEX ix_flow_run__expected_start_time ON flow_run (expected_start_time ASC NULLS FIRST);

CREATE INDEX ix_flow_run__flow_id_state_type ON flow_run (flow_id, state_type ASC NULLS FIRST);

CREATE INDEX ix_flow_run__idempotency_key ON flow_run (idempotency_key ASC NULLS FIRST) WHERE idempotency_key IS NOT NULL;

CREATE INDEX ix_flow_run__name_id ON flow_run (name, id);

CREATE INDEX ix_flow_run__next_scheduled_start_time_id ON flow_run (next_scheduled_start_time ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__parent_task_run_id ON flow_run (parent_task_run_id ASC NULLS FIRST) WHERE parent_task_run_id IS NOT NULL;

CREATE INDEX ix_flow_run__started ON flow_run (coalesce(start_time, expected_start_time) ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__state_name_id ON flow_run (state_name ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__state_type_expected ON flow_run (state_type ASC NULLS FIRST, expected_start_time ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__state_type_id ON flow_run (state_type ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__state_type_started ON flow_run (state_type ASC NULLS FIRST, coalesce(start_time, expected_start_time) ASC NULLS FIRST, id);

CREATE INDEX ix_flow_run__work_queue_id_state_type ON flow_run (work_queue_id ASC NULLS FIRST, state_type ASC NULLS FIRST, next_scheduled_start_time ASC NULLS FIRST) WHERE work_queue_id IS NOT NULL;

CREATE UNIQUE INDEX uq_flow_run__flow_id_idempotency_key ON flow_run (flow_id, idempotency_key ASC NULLS FIRST);

CREATE TABLE work_queue (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    filter JSON,
    description TEXT COLLATE "C" NOT NULL,
    is_paused BOOLEAN NOT NULL,
    concurrency_limit INTEGER,
    priority INTEGER NOT NULL,
    last_polled TIMESTAMP WITH TIME ZONE,
    status TEXT COLLATE "C" NOT NULL,
    work_pool_id UUID NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);

CREATE INDEX ix_work_queue__name ON work_queue (name);

CREATE UNIQUE INDEX uq_work_queue__work_pool_id_name ON work_queue (work_pool_id, name);

CREATE TABLE worker (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    work_pool_id UUID NOT NULL,
    last_heartbeat_time TIMESTAMP WITH TIME ZONE NOT NULL,
    heartbeat_interval_seconds INTEGER,
    online_until TIMESTAMP WITH TIME ZONE NOT NULL,
    metadata_ JSON,
    PRIMARY KEY (id),
    FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);

CREATE INDEX ix_worker__last_heartbeat_time ON worker (last_heartbeat_time);

CREATE INDEX ix_worker__work_pool_id_online_until ON worker (work_pool_id, online_until);

CREATE UNIQUE INDEX uq_worker__work_pool_id_name ON worker (work_pool_id, name);

CREATE TABLE block_document (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    data JSON NOT NULL,
    is_anonymous BOOLEAN NOT NULL,
    block_type_name TEXT COLLATE "C",
    block_type_id UUID NOT NULL,
    block_schema_id UUID NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE,
    FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_document__block_schema_id ON block_document (block_schema_id);

CREATE INDEX ix_block_document__name ON block_document (name);

CREATE UNIQUE INDEX uq_block_document__block_type_id_name ON block_document (block_type_id, name);

CREATE TABLE block_schema_reference (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    parent_block_schema_id UUID NOT NULL,
    reference_block_schema_id UUID NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(parent_block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE,
    FOREIGN KEY(reference_block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_schema_reference__reference ON block_schema_reference (reference_block_schema_id);

CREATE UNIQUE INDEX uq_block_schema_reference__parent_name ON block_schema_reference (parent_block_schema_id, name, reference_block_schema_id);

CREATE TABLE deployment (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C",
    version_id UUID,
    version_info JSON,
    description TEXT COLLATE "C",
    flow_id UUID NOT NULL,
    work_queue_name TEXT COLLATE "C",
    work_queue_id UUID,
    job_variables JSON NOT NULL,
    path TEXT COLLATE "C",
    entrypoint TEXT COLLATE "C",
    last_polled TIMESTAMP WITH TIME ZONE,
    status TEXT COLLATE "C" NOT NULL,
    paused BOOLEAN NOT NULL,
    concurrency_limit_id UUID,
    concurrency_options JSON,
    tags JSON NOT NULL,
    labels JSON,
    parameters JSON NOT NULL,
    pull_steps JSON,
    parameter_openapi_schema JSON,
    enforce_parameter_schema BOOLEAN NOT NULL,
    created_by JSON,
    updated_by JSON,
    infrastructure_document_id UUID,
    storage_document_id UUID,
    PRIMARY KEY (id),
    FOREIGN KEY(concurrency_limit_id) REFERENCES concurrency_limit_v2 (id) ON DELETE SET NULL,
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    FOREIGN KEY(work_queue_id) REFERENCES work_queue (id) ON DELETE SET NULL
);

CREATE INDEX ix_deployment__created ON deployment (created);

CREATE INDEX ix_deployment__name ON deployment (name);

CREATE INDEX ix_deployment__updated ON deployment (updated);

CREATE INDEX ix_deployment__work_queue_id ON deployment (work_queue_id ASC NULLS FIRST);

CREATE UNIQUE INDEX uq_deployment__flow_id_name ON deployment (flow_id, name);

CREATE TABLE flow_run_input (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    flow_run_id UUID NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C",
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_flow_run_input__flow_run_id_key ON flow_run_input (flow_run_id, key);

CREATE TABLE flow_run_lease (
    flow_run_id UUID NOT NULL,
    token UUID NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    pid INTEGER NOT NULL,
    process_started TEXT COLLATE "C" NOT NULL,
    boot_id TEXT COLLATE "C" NOT NULL,
    pid_namespace TEXT COLLATE "C" NOT NULL,
    acquired TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    suspended BOOLEAN NOT NULL,
    PRIMARY KEY (flow_run_id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_flow_run_lease__token ON flow_run_lease (token);

CREATE TABLE flow_run_state (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    flow_run_id UUID NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C",
    state_details JSON NOT NULL,
    data JSON,
    result_artifact_id UUID,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run_state__flow_run_id_timestamp ON flow_run_state (flow_run_id, timestamp);

CREATE TABLE task_run (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    empirical_policy JSON NOT NULL,
    tags JSON NOT NULL,
    labels JSON,
    state_id UUID,
    state_type TEXT COLLATE "C",
    state_name TEXT COLLATE "C",
    state_timestamp TIMESTAMP WITH TIME ZONE,
    run_count INTEGER NOT NULL,
    expected_start_time TIMESTAMP WITH TIME ZONE,
    next_scheduled_start_time TIMESTAMP WITH TIME ZONE,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    total_run_time DOUBLE PRECISION NOT NULL,
    flow_run_id UUID,
    task_key TEXT COLLATE "C" NOT NULL,
    dynamic_key TEXT COLLATE "C" NOT NULL,
    cache_key TEXT COLLATE "C",
    cache_expiration TIMESTAMP WITH TIME ZONE,
    task_version TEXT COLLATE "C",
    flow_run_run_count INTEGER NOT NULL,
    task_inputs JSON NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run__end_time ON task_run (end_time ASC NULLS FIRST);

CREATE INDEX ix_task_run__expected_start_time ON task_run (expected_start_time ASC NULLS FIRST);

CREATE INDEX ix_task_run__flow_run_id_id ON task_run (flow_run_id ASC NULLS FIRST, id);

CREATE INDEX ix_task_run__name_id ON task_run (name, id);

CREATE INDEX ix_task_run__next_scheduled_start_time ON task_run (next_scheduled_start_time ASC NULLS FIRST) WHERE next_scheduled_start_time IS NOT NULL;

CREATE INDEX ix_task_run__started ON task_run (coalesce(start_time, expected_start_time) ASC NULLS FIRST);

CREATE INDEX ix_task_run__state_name_id ON task_run (state_name ASC NULLS FIRST, id);

CREATE INDEX ix_task_run__state_type_id ON task_run (state_type ASC NULLS FIRST, id);

CREATE TABLE block_document_reference (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    parent_block_document_id UUID NOT NULL,
    reference_block_document_id UUID NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(parent_block_document_id) REFERENCES block_document (id) ON DELETE CASCADE,
    FOREIGN KEY(reference_block_document_id) REFERENCES block_document (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_document_reference__reference ON block_document_reference (reference_block_document_id);

CREATE UNIQUE INDEX uq_block_document_reference__parent_name ON block_document_reference (parent_block_document_id, name);

CREATE TABLE deployment_schedule (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    deployment_id UUID NOT NULL,
    schedule JSON NOT NULL,
    active BOOLEAN NOT NULL,
    max_scheduled_runs INTEGER,
    parameters JSON NOT NULL,
    slug TEXT COLLATE "C",
    declared_active BOOLEAN,
    insert_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployment_schedule__deployment_id ON deployment_schedule (deployment_id);

CREATE INDEX ix_deployment_schedule__insert_at ON deployment_schedule (insert_at ASC NULLS FIRST) WHERE insert_at IS NOT NULL;

CREATE UNIQUE INDEX uq_deployment_schedule__deployment_id_slug ON deployment_schedule (deployment_id, slug ASC NULLS FIRST);

CREATE TABLE task_run_delivery (
    task_run_id UUID NOT NULL,
    task_key TEXT COLLATE "C" NOT NULL,
    available_at TIMESTAMP WITH TIME ZONE NOT NULL,
    client_id TEXT COLLATE "C",
    claimed_until TIMESTAMP WITH TIME ZONE,
    deliveries INTEGER NOT NULL,
    PRIMARY KEY (task_run_id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_delivery__task_key_available_at ON task_run_delivery (task_key, available_at);

CREATE TABLE task_run_state (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    task_run_id UUID NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C",
    state_details JSON NOT NULL,
    data JSON,
    result_artifact_id UUID,
    PRIMARY KEY (id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_state__task_run_id_timestamp ON task_run_state (task_run_id, timestamp);
