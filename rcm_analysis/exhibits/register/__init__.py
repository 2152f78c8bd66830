"""The action register of a client: every finding, ask, deadline and opportunity once, for all of its reports."""
