"""Translation between the values of the client and the messages of `sori.v1`. No I/O."""
