"""The batching recognition engine behind `EnginePort`."""
