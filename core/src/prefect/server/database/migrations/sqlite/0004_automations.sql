CREATE TABLE event_unheard (
    position INTEGER NOT NULL,
    event_id CHAR(36) NOT NULL,
    PRIMARY KEY (position),
    FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_event_unheard__event_id ON event_unheard (event_id);

CREATE TABLE automation_bucket (
    automation_id CHAR(36) NOT NULL,
    trigger_id CHAR(36) NOT NULL,
    bucket_key TEXT NOT NULL,
    due TEXT,
    bucket TEXT NOT NULL,
    PRIMARY KEY (automation_id, trigger_id, bucket_key),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
CREATE INDEX ix_automation_bucket__due ON automation_bucket (due) WHERE due IS NOT NULL;

CREATE TABLE automation_action (
    id CHAR(36) NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    automation_id CHAR(36) NOT NULL,
    is_errand BOOLEAN NOT NULL,
    due TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    action TEXT NOT NULL,
    firing TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
CREATE INDEX ix_automation_action__automation_id ON automation_action (automation_id);
CREATE INDEX ix_automation_action__is_errand_due ON automation_action (is_errand, due);

CREATE INDEX ix_automation__enabled ON automation (enabled);
