"""Settings that follow from others."""

import pytest

from entrypoints.settings import SettingsError, load_settings

REQUIRED = {
    "DATABASE_URL": "postgresql://db/frontdesk",
    "REDIS_URL": "redis://redis",
    "OPENAI_API_KEY": "key",
    "META_APP_SECRETS": "secret",
    "META_VERIFY_TOKEN": "token",
    "ADMIN_API_KEY": "admin",
    "ENCRYPTION_KEYS": "key",
}
GRAPH = "http://graph.example"


@pytest.mark.parametrize(
    ("given", "graph", "instagram"),
    [
        ({}, "https://graph.facebook.com", "https://graph.instagram.com"),
        ({"META_GRAPH_BASE_URL": GRAPH}, GRAPH, GRAPH),
        ({"META_GRAPH_BASE_URL": GRAPH, "META_INSTAGRAM_BASE_URL": "http://ig.example"}, GRAPH, "http://ig.example"),
        ({"META_INSTAGRAM_BASE_URL": GRAPH}, "https://graph.facebook.com", GRAPH),
    ],
)
def test_instagram_is_where_graph_was_said_to_be_or_on_its_own_host(given, graph, instagram):
    settings = load_settings(REQUIRED | given)

    assert (settings.meta_graph_base_url, settings.meta_instagram_base_url) == (graph, instagram)


def test_a_host_of_instagram_s_that_is_none_stops_the_start():
    with pytest.raises(SettingsError, match="META_INSTAGRAM_BASE_URL"):
        load_settings(REQUIRED | {"META_INSTAGRAM_BASE_URL": "nowhere"})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [({}, 600), ({"EXTRACTION_IDLE_MINUTES": "5"}, 300), ({"EXTRACTION_IDLE_SECONDS": "3"}, 3)],
)
def test_the_time_of_quiet_is_told_in_minutes_unless_somebody_is_in_a_hurry(given, seconds):
    assert load_settings(REQUIRED | given).extraction_idle == seconds


@pytest.mark.parametrize(
    "given",
    [
        {"EXTRACTION_IDLE_MINUTES": "4"},
        {"EXTRACTION_IDLE_MINUTES": "16"},
        {"EXTRACTION_CREDITS": "-1"},
        {"EXTRACTION_MODEL": "no model"},
    ],
)
def test_what_no_extraction_could_be_made_with_stops_the_start(given):
    with pytest.raises(SettingsError, match=next(iter(given))):
        load_settings(REQUIRED | given)


@pytest.mark.parametrize(
    ("given", "here_only"),
    [
        ({}, True),
        ({"REST_HOST": "::1"}, True),
        ({"REST_HOST": "0.0.0.0"}, False),  # noqa: S104 - what containers listen on
        ({"WORKER_HEALTH_HOST": "0.0.0.0"}, True),  # noqa: S104 - nobody listens there without a port
        ({"WORKER_HEALTH_HOST": "0.0.0.0", "WORKER_HEALTH_PORT": "9000"}, False),  # noqa: S104
        ({"SCHEDULER_HEALTH_HOST": "0.0.0.0"}, True),  # noqa: S104
        ({"SCHEDULER_HEALTH_HOST": "0.0.0.0", "SCHEDULER_HEALTH_PORT": "9000"}, False),  # noqa: S104
    ],
)
def test_a_house_listens_here_only_while_each_of_its_doors_does(given, here_only):
    assert load_settings(REQUIRED | given).listens_here_only is here_only


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = {"ALERT_WEBHOOK_URL": "https://hooks.example/T/secret"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (HOOK, "ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET, or ALERT_WEBHOOK_FORMAT=slack"),
        (
            HOOK | {"ALERT_WEBHOOK_SECRET": "hunter2"},
            "ALERT_WEBHOOK_SECRET is malformed: a secret is whsec_",
        ),
        (HOOK | {"ALERT_WEBHOOK_FORMAT": "teams"}, "ALERT_WEBHOOK_FORMAT is malformed"),
        ({"ALERT_WEBHOOK_URL": "hooks"}, "ALERT_WEBHOOK_URL is malformed"),
        ({"ALERT_EMAIL_TO": "ann@example.com"}, "ALERT_EMAIL_TO and SMTP_URL need each other"),
        ({"SMTP_URL": "smtp://mail.example"}, "ALERT_EMAIL_TO and SMTP_URL need each other"),
        ({"ALERT_EMAIL_TO": "ann", "SMTP_URL": "smtp://mail.example"}, "ALERT_EMAIL_TO is malformed"),
        ({"ALERT_EMAIL_TO": "ann@example.com", "SMTP_URL": "http://mail.example"}, "SMTP_URL is malformed"),
    ],
)
def test_alerts_that_could_not_be_told_stop_the_start(given, message):
    with pytest.raises(SettingsError) as wrong:
        load_settings(REQUIRED | given)

    assert message in str(wrong.value)
    assert not any(secret in str(wrong.value) for secret in ("hunter2", "T/secret"))


def test_alerts_go_where_the_settings_say():
    given = HOOK | {"ALERT_WEBHOOK_SECRET": f"{SECRET},{SECRET}", "ALERT_EMAIL_TO": "ann@example.com, bob@example.com"}

    settings = load_settings(REQUIRED | given | {"SMTP_URL": "smtps://mail.example"})

    assert [secret.get_secret_value() for secret in settings.alert_webhook_secret] == [SECRET, SECRET]
    assert settings.alert_email_to == ["ann@example.com", "bob@example.com"]


def test_slack_needs_no_signature():
    assert load_settings(REQUIRED | HOOK | {"ALERT_WEBHOOK_FORMAT": "slack"}).alert_webhook_format == "slack"


def test_processes_count_below_the_home_unless_a_folder_is_given():
    assert load_settings(REQUIRED | {"FRONTDESK_HOME": "/home"}).metrics_folder.as_posix() == "/home/metrics"
    given = {"FRONTDESK_HOME": "/home", "PROMETHEUS_MULTIPROC_DIR": "/run/metrics"}
    assert load_settings(REQUIRED | given).metrics_folder.as_posix() == "/run/metrics"
