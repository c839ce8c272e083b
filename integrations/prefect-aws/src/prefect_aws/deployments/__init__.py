"""What deployments take from AWS."""
