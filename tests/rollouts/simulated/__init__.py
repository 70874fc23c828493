"""A cluster in memory, with everything around a ModelDeployment that answers by itself."""
