CREATE TABLE automation_action (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    automation_id UUID NOT NULL,
    is_errand BOOLEAN NOT NULL,
    due TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    action JSON NOT NULL,
    firing JSON NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
CREATE INDEX ix_automation_action__automation_id ON automation_action (automation_id);
CREATE INDEX ix_automation_action__is_errand_due ON automation_action (is_errand, due);

CREATE TABLE automation_bucket (
    automation_id UUID NOT NULL,
    trigger_id UUID NOT NULL,
    bucket_key TEXT COLLATE "C" NOT NULL,
    due TIMESTAMP WITH TIME ZONE,
    bucket JSON NOT NULL,
    PRIMARY KEY (automation_id, trigger_id, bucket_key),
    FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
CREATE INDEX ix_automation_bucket__due ON automation_bucket (due ASC NULLS FIRST) WHERE due IS NOT NULL;

CREATE TABLE event_unheard (
    position BIGSERIAL NOT NULL,
    event_id UUID NOT NULL,
    PRIMARY KEY (position),
    FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_event_unheard__event_id ON event_unheard (event_id);

CREATE INDEX ix_automation__enabled ON automation (enabled);
