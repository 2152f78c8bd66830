"""What a report is made of: the exhibits emit these blocks, a notebook carries them, the press reads them back."""
