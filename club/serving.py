"""The two long-lived Django processes: the web server and the worker."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import cast

WEB_WORKERS = os.environ.get("CLUB_WEB_WORKERS", "1")
WEB_THREADS = os.environ.get("CLUB_WEB_THREADS") or str(min(8, 2 * (os.cpu_count() or 1)))
JOBS_AT_ONCE = int(os.environ.get("CLUB_JOBS_AT_ONCE", "4"))
REQUESTS_WAITING_MAX = "256"


def serve(*, port: int) -> None:
    """Become the web server: this process is replaced, so no memory of ours stays beside it."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "club.settings"}
    if WEB_WORKERS != "1":
        # Each process counts for itself; the files in this folder add them up.
        environment["PROMETHEUS_MULTIPROC_DIR"] = fresh_metrics_folder()
    os.execve(sys.executable, command(port=port), environment)  # noqa: S606  no shell is wanted


def command(*, port: int) -> list[str]:
    """How granian is started; `bench/api_me.py` measures the very same."""
    return [
        sys.executable, "-m", "granian", "club.wsgi:application",
        "--interface", "wsgi",
        "--host", os.environ.get("CLUB_LISTEN", "127.0.0.1"),
        "--port", str(port),
        "--workers", WEB_WORKERS,
        "--blocking-threads", WEB_THREADS,
        "--backpressure", REQUESTS_WAITING_MAX,
        "--workers-kill-timeout", "10",
        "--respawn-failed-workers",
        "--log-level", "error",
        "--no-ws",
    ]  # fmt: skip


def fresh_metrics_folder() -> str:
    folder = Path(os.environ.get("CLUB_HOME", tempfile.gettempdir())) / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return str(folder)


def work() -> None:
    """Work off the jobs until SIGTERM; a job that cannot end in time runs again later."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.django_connector import DjangoConnector

    connector = cast(DjangoConnector, app.connector).get_worker_connector()
    with app.replace_connector(connector) as worker_app:
        worker_app.run_worker(
            name="club",
            concurrency=JOBS_AT_ONCE,
            # Polling only finds what a lost notification or a retry's delay left behind.
            fetch_job_polling_interval=5,
            shutdown_graceful_timeout=10,
            delete_jobs="successful",
        )
