"""The door for audio of this process: the same gateway, no server and no socket."""
