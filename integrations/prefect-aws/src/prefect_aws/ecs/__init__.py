"""What the worker of Elastic Container Service is made of."""
