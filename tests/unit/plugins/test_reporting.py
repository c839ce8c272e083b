from prefect.plugins import report


def by_name(reports):
    return {each.name: each for each in reports}


def test_the_report_tells_what_each_plugin_provides_and_why_others_do_not(site, start, good):
    site.install("prefect-good", good)
    site.install("prefect-broken", "raise RuntimeError('boom')", version="3.2")
    site.install("prefect-denied", "")
    site.install("prefect-old", "", group="prefect.collections")
    host = start(deny=frozenset({"denied"})).host
    reports = by_name(report(host))
    assert list(reports)[0] == "prefect"
    assert reports["prefect"].status == "built-in"
    assert "json" in reports["prefect"].provides["serializers"]
    assert reports["good"].status == "ok"
    assert reports["good"].provides == {"task_runners": ["dusk"]}
    assert reports["good"].api_requires == ">=0.1,<1"
    assert (reports["broken"].status, reports["broken"].version) == ("failed", "3.2")
    assert reports["broken"].failures[0].phase == "import"
    assert (reports["denied"].status, reports["denied"].reason) == ("refused", "denied by PREFECT_PLUGINS_DENY")
    assert reports["old"].status == "not imported"
    host.collection(host.collections()[0])
    assert by_name(report(host))["old"].status == "imported"


def test_plugins_of_this_process_are_reported(start):
    host = start().host
    host.register(object(), "mine")
    assert by_name(report(host))["mine"].status == "ok"
