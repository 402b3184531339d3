"""The second implementation behind make_vectors.py."""
