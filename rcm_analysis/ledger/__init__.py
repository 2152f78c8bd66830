"""What is so on a day: balances, the payers' decisions, postings, and the sums that must hold."""
