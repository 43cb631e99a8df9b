"""The command line. `commands` declares the flags; the modules beside it do the work.

Commands import what they need when they run, so that `sori --help` is there at once.
"""
