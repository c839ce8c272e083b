"""What workers watch of AWS, besides what they have started themselves."""
