"""What is owed on a day, how it moves, and which claims wait for whom."""
