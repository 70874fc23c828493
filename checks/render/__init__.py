"""Reports for people. Pure: a report in, text out; whatever the repository wrote is made inert."""
