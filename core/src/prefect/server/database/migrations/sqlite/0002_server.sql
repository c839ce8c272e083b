-- Deployments, work pools, concurrency, events, automations, and what a server keeps for itself.


CREATE TABLE answered_request (
    "key" CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    fingerprint VARCHAR NOT NULL,
    status INTEGER NOT NULL,
    answer VARCHAR NOT NULL,
    PRIMARY KEY ("key")
);
CREATE INDEX ix_answered_request__created ON answered_request (created);

CREATE TABLE api_token (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    scopes TEXT NOT NULL,
    work_pool_name VARCHAR,
    expires_at TEXT,
    last_used TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_api_token__digest ON api_token (digest);
CREATE UNIQUE INDEX uq_api_token__name ON api_token (name);

CREATE TABLE audit_entry (
    id CHAR(36) NOT NULL,
    occurred TEXT NOT NULL,
    actor VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    address VARCHAR,
    resource VARCHAR,
    details TEXT,
    PRIMARY KEY (id)
);
CREATE INDEX ix_audit_entry__occurred ON audit_entry (occurred);
CREATE INDEX ix_audit_entry__resource ON audit_entry (resource);

CREATE TABLE automation (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    description TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    "trigger" TEXT NOT NULL,
    actions TEXT NOT NULL,
    actions_on_trigger TEXT NOT NULL,
    actions_on_resolve TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_automation__created ON automation (created);
CREATE INDEX ix_automation__name ON automation (name);
CREATE INDEX ix_automation__updated ON automation (updated);

CREATE TABLE concurrency_limit_v2 (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    active BOOLEAN NOT NULL,
    "limit" INTEGER NOT NULL,
    slot_decay_per_second FLOAT NOT NULL,
    denied_slots INTEGER NOT NULL,
    avg_slot_occupancy_seconds FLOAT NOT NULL,
    decaying_slots FLOAT NOT NULL,
    decaying_since TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_concurrency_limit_v2__name ON concurrency_limit_v2 (name);

CREATE TABLE csrf_token (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    token VARCHAR NOT NULL,
    client VARCHAR NOT NULL,
    expiration TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_csrf_token__expiration ON csrf_token (expiration);
CREATE UNIQUE INDEX uq_csrf_token__client ON csrf_token (client);

CREATE TABLE event_backlog (
    position INTEGER NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (position)
);

CREATE TABLE events (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    occurred TEXT NOT NULL,
    event TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    related TEXT NOT NULL,
    payload TEXT NOT NULL,
    received TEXT NOT NULL,
    follows CHAR(36),
    PRIMARY KEY (id)
);
CREATE INDEX ix_events__event_occurred ON events (event, occurred);
CREATE INDEX ix_events__occurred_id ON events (occurred, id);
CREATE INDEX ix_events__received_id ON events (received, id);
CREATE INDEX ix_events__resource_id_occurred ON events (resource_id, occurred);

CREATE TABLE saved_search (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    filters TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_saved_search__name ON saved_search (name);

CREATE TABLE service_lease (
    service VARCHAR NOT NULL,
    holder VARCHAR NOT NULL,
    expires_at TEXT NOT NULL,
    last_tick TEXT,
    PRIMARY KEY (service)
);

CREATE TABLE task_worker (
    identifier VARCHAR NOT NULL,
    task_keys TEXT NOT NULL,
    last_heartbeat TEXT NOT NULL,
    PRIMARY KEY (identifier)
);
CREATE INDEX ix_task_worker__last_heartbeat ON task_worker (last_heartbeat);

CREATE TABLE work_pool (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    description TEXT,
    type VARCHAR NOT NULL,
    base_job_template TEXT NOT NULL,
    is_paused BOOLEAN NOT NULL,
    concurrency_limit INTEGER,
    default_queue_id CHAR(36),
    status VARCHAR NOT NULL,
    last_transitioned_status_at TEXT,
    last_status_event_id CHAR(36),
    storage_configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_work_pool__type ON work_pool (type);
CREATE UNIQUE INDEX uq_work_pool__name ON work_pool (name);

CREATE TABLE automation_related_resource (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    automation_id CHAR(36) NOT NULL,
    resource_id VARCHAR NOT NULL,
    automation_owned_by_resource BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
CREATE INDEX ix_automation_related_resource__resource_id ON automation_related_resource (resource_id);
CREATE UNIQUE INDEX uq_automation_related_resource__automation_resource ON automation_related_resource (automation_id, resource_id);

CREATE TABLE concurrency_lease (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    lease_id CHAR(36) NOT NULL,
    concurrency_limit_id CHAR(36) NOT NULL,
    slots INTEGER NOT NULL,
    mode VARCHAR NOT NULL,
    holder_type VARCHAR,
    holder_id CHAR(36),
    expires_at TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(concurrency_limit_id) REFERENCES concurrency_limit_v2 (id) ON DELETE CASCADE
);
CREATE INDEX ix_concurrency_lease__concurrency_limit_id ON concurrency_lease (concurrency_limit_id);
CREATE INDEX ix_concurrency_lease__expires_at ON concurrency_lease (expires_at);
CREATE INDEX ix_concurrency_lease__holder_id ON concurrency_lease (holder_id);
CREATE INDEX ix_concurrency_lease__lease_id ON concurrency_lease (lease_id);

CREATE TABLE event_resources (
    event_id CHAR(36) NOT NULL,
    position INTEGER NOT NULL,
    occurred TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    resource_role TEXT NOT NULL,
    resource TEXT NOT NULL,
    PRIMARY KEY (event_id, position),
    FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE
);
CREATE INDEX ix_event_resources__resource_id_occurred ON event_resources (resource_id, occurred, event_id);
CREATE INDEX ix_flow_run__deployment_id_state_type ON flow_run (deployment_id, state_type, next_scheduled_start_time) WHERE deployment_id IS NOT NULL;
CREATE INDEX ix_flow_run__work_queue_id_state_type ON flow_run (work_queue_id, state_type, next_scheduled_start_time) WHERE work_queue_id IS NOT NULL;

CREATE TABLE work_queue (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    filter TEXT,
    description TEXT NOT NULL,
    is_paused BOOLEAN NOT NULL,
    concurrency_limit INTEGER,
    priority INTEGER NOT NULL,
    last_polled TEXT,
    status VARCHAR NOT NULL,
    work_pool_id CHAR(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);
CREATE INDEX ix_work_queue__name ON work_queue (name);
CREATE UNIQUE INDEX uq_work_queue__work_pool_id_name ON work_queue (work_pool_id, name);

CREATE TABLE worker (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    work_pool_id CHAR(36) NOT NULL,
    last_heartbeat_time TEXT NOT NULL,
    heartbeat_interval_seconds INTEGER,
    online_until TEXT NOT NULL,
    metadata_ TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);
CREATE INDEX ix_worker__last_heartbeat_time ON worker (last_heartbeat_time);
CREATE INDEX ix_worker__work_pool_id_online_until ON worker (work_pool_id, online_until);
CREATE UNIQUE INDEX uq_worker__work_pool_id_name ON worker (work_pool_id, name);

CREATE TABLE deployment (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    name VARCHAR NOT NULL,
    version VARCHAR,
    version_id CHAR(36),
    version_info TEXT,
    description TEXT,
    flow_id CHAR(36) NOT NULL,
    work_queue_name VARCHAR,
    work_queue_id CHAR(36),
    job_variables TEXT NOT NULL,
    path VARCHAR,
    entrypoint VARCHAR,
    last_polled TEXT,
    status VARCHAR NOT NULL,
    paused BOOLEAN NOT NULL,
    concurrency_limit_id CHAR(36),
    concurrency_options TEXT,
    tags TEXT NOT NULL,
    labels TEXT,
    parameters TEXT NOT NULL,
    pull_steps TEXT,
    parameter_openapi_schema TEXT,
    enforce_parameter_schema BOOLEAN NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    infrastructure_document_id CHAR(36),
    storage_document_id CHAR(36),
    PRIMARY KEY (id),
    FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    FOREIGN KEY(work_queue_id) REFERENCES work_queue (id) ON DELETE SET NULL,
    FOREIGN KEY(concurrency_limit_id) REFERENCES concurrency_limit_v2 (id) ON DELETE SET NULL
);
CREATE INDEX ix_deployment__created ON deployment (created);
CREATE INDEX ix_deployment__name ON deployment (name);
CREATE INDEX ix_deployment__updated ON deployment (updated);
CREATE INDEX ix_deployment__work_queue_id ON deployment (work_queue_id);
CREATE UNIQUE INDEX uq_deployment__flow_id_name ON deployment (flow_id, name);

CREATE TABLE deployment_schedule (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    deployment_id CHAR(36) NOT NULL,
    schedule TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    max_scheduled_runs INTEGER,
    parameters TEXT NOT NULL,
    slug VARCHAR,
    declared_active BOOLEAN,
    insert_at TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);
CREATE INDEX ix_deployment_schedule__deployment_id ON deployment_schedule (deployment_id);
CREATE INDEX ix_deployment_schedule__insert_at ON deployment_schedule (insert_at) WHERE insert_at IS NOT NULL;
CREATE UNIQUE INDEX uq_deployment_schedule__deployment_id_slug ON deployment_schedule (deployment_id, slug);

CREATE TABLE task_run_delivery (
    task_run_id CHAR(36) NOT NULL,
    task_key VARCHAR NOT NULL,
    available_at TEXT NOT NULL,
    client_id VARCHAR,
    claimed_until TEXT,
    deliveries INTEGER NOT NULL,
    PRIMARY KEY (task_run_id),
    FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);
CREATE INDEX ix_task_run_delivery__task_key_available_at ON task_run_delivery (task_key, available_at);
