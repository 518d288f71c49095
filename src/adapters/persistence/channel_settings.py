"""A phone number's settings as jsonb: what differs from the default, so that a new default reaches everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from psycopg.types.json import Jsonb

from domain.channels import ChannelSettings, Template

DEFAULTS = asdict(ChannelSettings())
NAMES = [one.name for one in fields(ChannelSettings)]


def stored_settings(settings: ChannelSettings) -> Jsonb:
    """The settings as they are stored."""
    return Jsonb({name: value for name, value in asdict(settings).items() if value != DEFAULTS[name]})


def read_settings(stored: Mapping[str, Any]) -> ChannelSettings:
    """The settings as they were stored. A name that only newer processes know is left to them."""
    given = {name: stored[name] for name in NAMES if name in stored}
    for name in ("stop_words", "start_words"):
        if name in given:
            given[name] = tuple(given[name])
    if given.get("template") is not None:
        given["template"] = Template(**given["template"])
    return ChannelSettings(**given)
