"""The demonstration: four recordings, one server, four streams at once."""
