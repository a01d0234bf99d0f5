"""Tests of the Python clients, of the example for Node.js, and of the bytes they send."""
