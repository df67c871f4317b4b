"""How fast the engine is on this machine, beside the plain formulations and the machine's peaks."""
