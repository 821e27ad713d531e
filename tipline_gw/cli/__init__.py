"""The command line: one module a command group, no logic beyond asking and printing."""
