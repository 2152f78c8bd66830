"""The invented self-pay desk."""
