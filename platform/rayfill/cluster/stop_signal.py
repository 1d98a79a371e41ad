"""Handle SIGTERM (Kubernetes, systemd, Ray's job supervisor) like Ctrl-C."""

import signal
import threading


def stop_like_ctrl_c() -> None:
    """Let SIGTERM do what SIGINT does at that moment, Ray Train's orderly abort included. In other threads nothing happens."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
