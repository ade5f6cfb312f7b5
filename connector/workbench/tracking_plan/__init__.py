"""`init --events`: a tracking plan, proposed from a mapping and from what records hold."""
