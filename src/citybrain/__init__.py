"""The backend of a City Brain: async, event-sourced, with a CQRS read side."""

__version__ = "0.1.0"
