"""Flower's names in one place. Whoever lacks Flower reads what to install.

Flower reports its use and asks for newer versions over the internet unless it is told not to;
it is told here, before it is imported.
"""

import os

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
os.environ.update(QUIET)

INSTALL = 'Flower is not installed. In the course\'s folder run: pip install -e ".[engine]"'

try:
    from flwr.app import (
        ArrayRecord,
        ConfigRecord,
        Context,
        Error,
        Message,
        MetricRecord,
        RecordDict,
    )
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
except ImportError as error:
    raise ImportError(INSTALL) from error

__all__ = [
    "INSTALL",
    "QUIET",
    "ArrayRecord",
    "ClientApp",
    "ConfigRecord",
    "Context",
    "Error",
    "Grid",
    "Message",
    "MetricRecord",
    "RecordDict",
    "ServerApp",
]
