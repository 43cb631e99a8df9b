"""The scheduler in virtual time, on a GPU that is a formula."""
