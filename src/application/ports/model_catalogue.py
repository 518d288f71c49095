"""What the model's provider says of its models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol


class ModelCatalogue(Protocol):
    """The provider's list of models."""

    async def shutdown_dates(self) -> Mapping[str, date]:
        """When each model ends for which that is announced. Raises Unavailable."""
        ...
