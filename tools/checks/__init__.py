"""The rules behind tools/check."""
