"""The door to what all systems' definitions stand on: the city's areas."""

from citybrain.definitions.platform.areas import Surveys, areas_at

__all__ = ["Surveys", "areas_at"]
