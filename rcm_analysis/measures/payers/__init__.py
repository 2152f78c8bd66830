"""What payers should pay by contract, when it falls due, and how good they are to work with."""
