"""Places: distances, the coordinates of Chinese maps, areas and grid cells. Knows nothing else."""
