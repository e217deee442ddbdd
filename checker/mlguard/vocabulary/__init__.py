"""One name for each kind of resource and property, whatever format it is written in."""
