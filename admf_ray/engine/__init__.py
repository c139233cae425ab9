"""Two drivers of one set of rules: the event-by-event replay and the compiled sweep."""
