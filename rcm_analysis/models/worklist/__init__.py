"""What to work next: items, chances, waits, steps and queues."""
