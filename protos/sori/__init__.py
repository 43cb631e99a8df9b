"""Import root of the generated contract; see `sori.v1`."""
