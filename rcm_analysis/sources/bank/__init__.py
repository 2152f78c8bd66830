"""Bank statements and lockboxes: what reached the account, whatever remittances say."""
