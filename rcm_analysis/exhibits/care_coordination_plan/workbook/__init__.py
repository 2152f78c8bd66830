"""The plan as an Excel workbook whose formulas are alive: written, checked, and read back."""
