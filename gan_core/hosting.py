"""Whether this server is shared with strangers, who then get limits and no look at its files."""

from __future__ import annotations

import os


def hosted() -> bool:
    """GAN_HOSTED=1, or a hosted Space, which says so itself by SPACE_ID."""
    return os.environ.get("GAN_HOSTED", "1" if os.environ.get("SPACE_ID") else "0") not in ("", "0")
