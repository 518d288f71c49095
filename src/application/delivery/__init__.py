"""What became of a reply after it was written."""
