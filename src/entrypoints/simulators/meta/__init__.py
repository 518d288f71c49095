"""A simulator of Meta's Graph: WhatsApp and Instagram sends, media, and the webhooks that follow."""

from entrypoints.simulators.meta.main import MetaSimulatorOptions, main, run_meta_simulator

__all__ = ["MetaSimulatorOptions", "main", "run_meta_simulator"]
