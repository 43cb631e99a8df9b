"""Speech at a remote server of Sori, as a backend of doors that do not know where it is."""
