"""Tests of the client, the embedded server and the wire format they share."""
