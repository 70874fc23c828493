"""Everything that looks: the repository, its manifests and workflows, the data, the model's runs.

All input and output of a readiness run is in this package; nothing here gives points.
"""
