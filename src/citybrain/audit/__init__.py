"""Why it became so: reads the log and opens what is sealed in it; never writes."""
