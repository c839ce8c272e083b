"""Where the code of deployments is kept, and how it is brought to where it runs."""
