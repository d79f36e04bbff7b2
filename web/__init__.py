"""The dashboard: reads and writes rows, and never runs user code."""

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from hexasched.config import Config
from hexasched.secrets import KeyRing
from hexasched.store.database import Database
from web import access, errors, frame, instance, security, sessions
from web.alerts import alerts
from web.analysis import analysis
from web.assets_view import asset_urls, assets
from web.audit import audit
from web.auth import auth
from web.backfills import backfills
from web.blackouts import blackouts
from web.cron_job_actions import cron_job_actions
from web.cron_job_edit import cron_job_edit
from web.cron_job_why import cron_job_why
from web.cron_jobs import cron_jobs
from web.downtimes import downtimes
from web.environments import environment
from web.function_code import code
from web.function_data import function_data
from web.function_settings import function_settings
from web.functions import function_pages
from web.health import health
from web.home import home_page
from web.mails import mails
from web.members import members
from web.preferences import preferences
from web.run_actions import run_actions
from web.run_log import run_log
from web.runs import runs
from web.settings import settings
from web.setup import setup
from web.versions import versions

BLUEPRINTS = (
    *(assets, health, setup, auth, preferences, home_page),
    *(function_pages, code, analysis, environment, versions, function_data, function_settings),
    *(cron_jobs, cron_job_edit, cron_job_actions, cron_job_why, backfills, blackouts, downtimes),
    *(runs, run_log, run_actions, alerts, mails, members, settings, audit),
)
"""A noun's pages are one blueprint, in the module of its name; here they become part of the dashboard."""


def create_app(config: Config, database: Database, keys: KeyRing, clock: instance.Clock = instance.utc_now) -> Flask:
    """The dashboard as a WSGI application. Raises HexaSchedError if the browser's files are not built."""
    app = Flask("web", root_path=str(Path(__file__).parent), static_folder=None)
    app.config["SECRET_KEY"] = keys.derive("session")
    instance.attach(app, instance.Instance(config=config, database=database, keys=keys, clock=clock))
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    security.install(app, config)
    sessions.install(app)
    access.install(app)
    frame.install(app, asset_urls())
    errors.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
