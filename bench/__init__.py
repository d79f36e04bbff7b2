"""Measurements of HexaSched, made by `make bench`."""
