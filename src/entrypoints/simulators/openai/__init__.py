"""A simulator of OpenAI's Responses and Conversations APIs."""

from entrypoints.simulators.openai.main import OpenAISimulatorOptions, main, run_openai_simulator

__all__ = ["OpenAISimulatorOptions", "main", "run_openai_simulator"]
