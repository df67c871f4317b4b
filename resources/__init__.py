"""What is installed beside the program: the demo pictures and the demo model."""
