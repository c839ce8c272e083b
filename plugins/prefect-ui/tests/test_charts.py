"""Pictures: what they draw, and what they tell of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from prefect_ui.charts import scatter, strip, trend

BEGIN = datetime(2031, 1, 1, tzinfo=timezone.utc)


def run(number, seconds, state="COMPLETED", name="n"):
    begun = (BEGIN + timedelta(minutes=number)).isoformat()
    taken = {"estimated_run_time": seconds, "start_time": begun, "expected_start_time": begun}
    return {"id": str(number), "name": name, "state_type": state, "state_name": state.capitalize(), **taken}


def test_a_strip_has_a_cell_for_each_run_as_high_as_it_took_long():
    drawn = strip([run(2, 10, "FAILED"), run(1, 5)], "/base", cells=4, height=40)
    assert re.findall(r'href="([^"]+)"', drawn) == ["/base/runs/flow-run/1", "/base/runs/flow-run/2"]
    assert re.findall(r'class="(completed|failed)" x="(\d+)" y="[\d.]+" width="12" height="([\d.]+)"', drawn) == [
        ("completed", "2", "20.0"),
        ("failed", "18", "40.0"),
    ]
    assert "✓" in drawn
    assert "✗" in drawn
    assert "n: failed, 10 s, 01 Jan 00:02 UTC" in drawn


def test_a_strip_leaves_out_what_is_older_than_it_has_room_for():
    drawn = strip([run(number, 1) for number in range(9, 0, -1)], "", cells=3)
    assert re.findall(r'flow-run/(\d+)"', drawn) == ["7", "8", "9"]


def test_a_strip_escapes_names():
    assert "<script>" not in strip([run(1, 1, name="<script>")], "")


def test_a_trend_shows_median_and_95th_percentile_of_each_span():
    slow = [{"timestamp": BEGIN.isoformat(), "duration": seconds} for seconds in range(1, 101)]
    later = [{"timestamp": (BEGIN + timedelta(days=1)).isoformat(), "duration": 4}]
    drawn = trend(later + slow, width=972, height=130, intervals=2)
    assert "01 Jan 00:00 UTC: 100 runs, median 51 s, 95 % within 1 min 36 s" in drawn
    assert "01 Jan 12:00 UTC: 1 runs, median 4.0 s, 95 % within 4.0 s" in drawn
    # the longest 95th percentile is below the longest run, which is the top
    assert re.findall(r'polyline class="median" points="([^"]+)"', drawn) == ["289.0,57.0 739.0,104.0"]


def test_there_is_no_trend_of_a_moment():
    assert trend([]) is None
    assert trend([{"timestamp": BEGIN.isoformat(), "duration": 1}] * 3) is None


def point(seconds, took, state="COMPLETED", id="1"):
    moment = (BEGIN + timedelta(seconds=seconds)).isoformat()
    return {"id": id, "state_type": state, "timestamp": moment, "duration": took, "lateness": 0}


def test_a_scatter_has_a_point_for_each_run_past_and_due():
    points = [point(0, 10, id="old"), point(50, 1, "FAILED", "new"), point(100, 0, "SCHEDULED", "due")]
    drawn = scatter(points, "/base", BEGIN + timedelta(seconds=60), width=1078, height=128)
    mark = r'flow-run/(\w+)"><title>[^<]+</title><\w+ class="(\w+)" c?x="([\d.]+)" c?y="([\d.]+)"'
    assert re.findall(mark, drawn) == [
        ("old", "completed", "64.0", "8.0"),
        ("new", "failed", "564.0", "62.0"),
        ("due", "scheduled", "1064.0", "112.0"),
    ]
    assert 'class="now" x1="664.0"' in drawn
    assert "✗ failed, 1.0 s, 01 Jan 00:00 UTC" in drawn


def test_there_is_no_scatter_of_nothing():
    assert scatter([], "", BEGIN) is None
    assert scatter([point(0, 1)], "", BEGIN) is None
