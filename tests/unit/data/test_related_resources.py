"""What infrastructure belongs to, by its labels."""

from __future__ import annotations

from prefect.events.related import labels_as_related_resources

LABELS = {
    "prefect.io/flow-run-id": "1",
    "prefect.io/flow-run-name": "a-run",
    "prefect.io/deployment-id": "2",
    "prefect.io/work-pool-id": "3",
    "prefect.io/worker-name": "My Worker",
    "team": "red",
}


def test_labels_say_what_infrastructure_belongs_to() -> None:
    found = [(each.role, each.id, each.name) for each in labels_as_related_resources(LABELS, "ecs")]
    assert found == [
        ("flow-run", "prefect.flow-run.1", "a-run"),
        ("deployment", "prefect.deployment.2", None),
        ("work-pool", "prefect.work-pool.3", None),
        ("worker", "prefect.worker.ecs.my-worker", "My Worker"),
    ]
    assert labels_as_related_resources({}, "ecs") == []
